"""`python -m tests.recorded.release_schemas`: releases each Avro schema that was changed.

Writes the current schema as the next file of `schemas/history/<Record>`, and its checksum. Released
files are never written again; `tests/contract/test_released_versions.py` checks both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import orjson

from schemas.encoding.avro_schemas import (
    VALUES,
    Schema,
    fingerprint,
    released_schemas,
    whole_schema,
)

HISTORY = Path(__file__).parents[2] / "schemas" / "history"


def release(schemas: Mapping[str, Schema], history: Path = HISTORY) -> list[Path]:
    """Write the schemas, by record name, that differ from their last release; the new files."""
    written = []
    for name, schema in schemas.items():
        released = released_schemas(name)
        if released and fingerprint(released[-1]) == fingerprint(schema):
            continue
        file = history / name / f"{len(released) + 1}.avsc"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n")
        written.append(file)
    sums = history / "SHA256SUMS"
    lines = sums.read_text().splitlines()
    lines += [_checksum(file, history) for file in written]
    lines.sort(key=lambda line: line.split("  ")[1])
    sums.write_text("\n".join(lines) + "\n")
    return written


def _checksum(file: Path, history: Path) -> str:
    return f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(history)}"


if __name__ == "__main__":
    for path in release({name: whole_schema(name) for name in VALUES}):
        print(path.relative_to(HISTORY.parents[1]))
