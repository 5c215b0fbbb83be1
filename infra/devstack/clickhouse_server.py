"""ClickHouse as an HTTP server from the chdb wheel; run as `python -m` in a separate process.

`SYSTEM START LISTEN` must be part of the engine's first query, in a working directory with
`config.xml` (ClickHouse pull request 101143); the endless query keeps it serving.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_SERVE = (
    "SYSTEM START LISTEN HTTP; "
    "SELECT sleepEachRow(1) FROM system.numbers LIMIT 1000000 FORMAT Null "
    "SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0, max_threads=1"
)


def serve(data: Path) -> None:
    """Serve until the process ends; the data folder remains."""
    engine: Any = import_module("chdb._chdb")

    while True:
        engine.query(_SERVE, "TabSeparated", path=str(data))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
