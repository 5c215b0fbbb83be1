"""`python -m tests.recorded.record`: records what the present code decides.

The record belongs to one `CODE_VERSION`. Decisions that changed are written only under another
version than the record's, so that a version means the same decisions for ever. `--new-cases` adds
the cases of `cases.py` that the record lacks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from streams.routing.decision import CODE_VERSION
from tests.recorded.cases import all_cases
from tests.recorded.deciding import HERE, decided

FILE = HERE / "decisions.jsonl"
Case = dict[str, Any]


def recorded(path: Path = FILE) -> tuple[str, list[Case]]:
    """The code version of the record, and its cases with what they expect."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return lines[0]["code_version"], lines[1:]


def changed(cases: list[Case]) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Cases that the present code decides otherwise, and what it decides."""
    for case in cases:
        outcome = decided(case)
        if outcome != case["expect"]:
            yield case, outcome


def main(arguments: list[str]) -> int:
    """Rewrite the record; 1 if the code version forbids it."""
    version, cases = recorded() if FILE.exists() else (CODE_VERSION, [])
    moved = {case["id"]: outcome for case, outcome in changed(cases)}
    if moved and version == CODE_VERSION:
        print(
            f"{len(moved)} of {len(cases)} decisions changed under code version {version}, "
            f"first {next(iter(moved))}: raise CODE_VERSION in streams/routing/decision.py",
            file=sys.stderr,
        )
        return 1
    for case in cases:
        case["expect"] = moved.get(case["id"], case["expect"])
    if "--new-cases" in arguments:
        known = {case["id"] for case in cases}
        new = [case for case in all_cases() if case["id"] not in known]
        cases.extend({**case, "expect": decided(case)} for case in new)
    rows = [{"code_version": CODE_VERSION}, *cases]
    FILE.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    print(f"{len(cases)} decisions of code version {CODE_VERSION}, {len(moved)} of them changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
