"""Options and arguments that several `sluice registry` commands share."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
BY = click.option("--by", default=getpass.getuser, help="Author of the change.  [your user name]")
NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not wait until the workers use it.")
FILE = click.argument("file", type=click.Path(path_type=Path))
ARTIFACTS = click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A learned artifact of the file, or a folder of artifacts.  [SLUICE_ARTIFACTS]",
)
