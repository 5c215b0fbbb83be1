"""The answers of the named queries on a fixed log change by intention only."""

from __future__ import annotations

import os

import orjson
import pytest

from sinks.analytics.named_queries import questions
from tests.golden.query_answers import FILE, query_answers
from tests.sql.rig.asking import RunQuery


@pytest.fixture(scope="module")
def answers(query_small_history: RunQuery) -> dict[str, object]:
    found = query_answers(query_small_history)
    if os.environ.get("SLUICE_WRITE_GOLDEN"):
        FILE.write_bytes(found)
    return _by_query(found)


def _by_query(lines: bytes) -> dict[str, object]:
    return {row["query"]: row["rows"] for row in map(orjson.loads, lines.splitlines())}


@pytest.mark.parametrize("name", sorted(questions()))
def test_a_query_answers_as_recorded(name: str, answers: dict[str, object]) -> None:
    assert answers[name] == _by_query(FILE.read_bytes())[name]
