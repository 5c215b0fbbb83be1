"""`python -m sinks`: one sink process."""

from __future__ import annotations

import sys

import uvloop

from schemas.errors import SluiceError
from sinks.run import prepare_log, run_sink
from sinks.settings import SinkSettings


def main() -> int:
    """Run the sink and return the exit status."""
    settings = SinkSettings()
    prepare_log(settings)
    try:
        uvloop.run(run_sink(settings))
    except SluiceError as error:
        print(f"sink: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
