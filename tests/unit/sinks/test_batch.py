"""Batches: in order, within their limits, complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch, Batcher, BatchLimits
from sinks.rows.log_position import Place
from sinks.rows.tables import CALLS, DEAD_LETTERS

PLACE = Place("llm.events.cost.v1", 3)

_sizes = st.lists(st.tuples(st.booleans(), st.integers(0, 80)), max_size=60)


def _all(batcher: Batcher) -> list[Batch]:
    batches = []
    while (batch := batcher.take(7)) is not None:
        batches.append(batch)
    return batches


@given(rows=_sizes, most_rows=st.integers(1, 9), most_bytes=st.integers(60, 300))
def test_batches_keep_order_tables_and_limits(
    rows: list[tuple[bool, int]], most_rows: int, most_bytes: int
) -> None:
    batcher = Batcher(PLACE, BatchLimits(rows=most_rows, size=most_bytes))
    for offset, (dead, size) in enumerate(rows):
        row = Row(offset, 0, 0, b"x" * size)
        batcher.add(DEAD_LETTERS if dead else CALLS, row, now=0.0)
    total = batcher.size
    batches = _all(batcher)

    assert [row.offset for batch in batches for row in batch.rows] == list(range(len(rows)))
    assert sum(batch.size for batch in batches) == total
    for batch in batches:
        assert len(batch.rows) <= most_rows
        assert batch.size <= most_bytes or len(batch.rows) == 1
        assert {rows[row.offset][0] for row in batch.rows} == {batch.table is DEAD_LETTERS}


def test_a_batch_is_due_when_its_first_row_has_waited() -> None:
    batcher = Batcher(PLACE, BatchLimits(wait_s=0.5))
    assert batcher.due_in(0.0) is None

    batcher.add(CALLS, Row(0, 0, 0, b""), now=10.0)
    batcher.add(CALLS, Row(1, 0, 0, b""), now=10.4)

    assert batcher.due_in(10.4) == pytest.approx(0.1)
    assert batcher.due_in(11.0) == 0.0


def test_a_full_batch_is_due_at_once() -> None:
    batcher = Batcher(PLACE, BatchLimits(rows=2, wait_s=60))
    for offset in range(2):
        batcher.add(CALLS, Row(offset, 0, 0, b""), now=0.0)

    assert batcher.due_in(0.0) == 0.0


def test_the_token_names_the_exact_range() -> None:
    batcher = Batcher(PLACE, BatchLimits(rows=2))
    for offset in (5, 9, 12):
        batcher.add(CALLS, Row(offset, 0, 0, b""), now=0.0)

    assert [batch.token for batch in _all(batcher)] == [
        "calls/llm.events.cost.v1/3/5-9",
        "calls/llm.events.cost.v1/3/12-12",
    ]


@given(count=st.integers(2, 30))
def test_the_halves_of_a_batch_contain_all_its_rows(count: int) -> None:
    rows = tuple(Row(offset, 0, 0, b"x" * offset) for offset in range(count))
    batch = Batch(
        place=PLACE, table=CALLS, rows=rows, size=sum(r.size for r in rows), ingested_at=7
    )
    first, second = batch.halves()

    assert first.rows + second.rows == rows
    assert first.rows
    assert second.rows
    assert first.size + second.size == batch.size
    assert first.ingested_at == second.ingested_at == 7
