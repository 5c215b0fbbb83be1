"""Reconciliation of a run with the ledger, also while calls are in flight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rig.observed import books
from tests.rig.observed.books import reconcile


def _write(ledger: Path, call_id: str, cost_nano: int) -> None:
    with ledger.open("a") as file:
        file.write(json.dumps({"call_id": call_id, "status": 200, "cost_nano": cost_nano}) + "\n")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    _write(path, "c1", 5)
    return path


def _stored(monkeypatch: pytest.MonkeyPatch, calls: list[str], happens: Any = None) -> None:
    """ClickHouse as it answers about one request; something may happen before the first answer."""
    queries: list[str] = []

    def rows(url: str, query: str) -> list[list[Any]]:
        if happens is not None and not queries:
            happens()
        queries.append(query)
        if "status, request_id" in query:
            return [[call, "ok", "r1"] for call in calls]
        if "status, cost" in query:
            return [[call, "ok", "0.000000005"] for call in calls]
        if "FROM sluice.outcomes WHERE final" in query:
            return [["r1", 1]]
        return [] if "HAVING" in query else [[0]]

    monkeypatch.setattr(books, "rows", rows)


REPLIES = {"r1": [{"status": "replied"}]}


def test_a_call_that_ends_while_the_rows_are_read_is_known(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stored(monkeypatch, ["c1", "c2"], lambda: _write(ledger, "c2", 5))

    assert reconcile("", ["r1"], REPLIES, ledger).balanced


def test_a_call_that_begins_while_the_rows_are_read_is_not_missed(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stored(monkeypatch, ["c1"], lambda: _write(ledger, "c2", 5))

    assert reconcile("", ["r1"], REPLIES, ledger).balanced


def test_a_call_not_in_the_ledger_is_unknown_and_an_unrecorded_one_is_missing(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stored(monkeypatch, ["c9"])
    found = reconcile("", ["r1"], REPLIES, ledger)

    assert (found.unknown_calls, found.missing_calls) == (1, 1)
