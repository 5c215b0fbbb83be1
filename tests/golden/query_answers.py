"""The answer of every named query on the small history, as one row of JSON a query.

`SLUICE_WRITE_GOLDEN=1 pytest tests/sql/queries/test_golden_answers.py` rewrites them after an
intended change. Floats keep nine digits: ClickHouse adds them in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from sinks.analytics.named_queries import questions
from tests.sql.rig.asking import RunQuery
from tests.sql.rig.small_history import LIVES

FILE = Path(__file__).parent / "answers.jsonl"
REQUIRED = {"request": {"request_id": LIVES[0].request_id}}
"""Values of the parameters that have no default."""


def query_answers(run_query: RunQuery) -> bytes:
    """Every query's answer, rows in the order of their JSON."""
    return b"".join(orjson.dumps(row) + b"\n" for row in _each(run_query))


def _each(run_query: RunQuery) -> Iterator[dict[str, Any]]:
    for name in sorted(questions()):
        rows = [_plain(row) for row in run_query(name, **REQUIRED.get(name, {}))]
        yield {"query": name, "rows": sorted(rows, key=orjson.dumps)}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float():
            return float(f"{value:.9g}")
        case int() | bool() | None:
            return value
        case _:
            return str(value)
