"""`python -m infra.cli` is `sluice`."""

from infra.cli.main import main

main()
