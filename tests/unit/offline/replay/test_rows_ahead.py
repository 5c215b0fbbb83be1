"""A bounded part of recorded decisions of any size is read ahead of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.replays.rows_ahead import RowsAhead
from streams.offline.replay.run_spec import OffsetSpan

PIECES = tuple(
    OffsetSpan(topic="t", partition=0, first=first, end=first + 50) for first in range(0, 200, 50)
)
INPUTS = "x" * 98_000
ROW = 100_000


class CountedRows:
    """Rows of ranges, and how many were produced."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.made = 0
        self.pieces: list[OffsetSpan] = []
        self._fails_at = fails_at

    def __call__(self, piece: OffsetSpan) -> Iterator[dict[str, Any]]:
        self.pieces.append(piece)
        for offset in range(piece.first, piece.end):
            if offset == self._fails_at:
                raise OSError("gone")
            self.made += 1
            yield {"source_offset": offset, "decision_inputs": INPUTS}


def test_rows_come_in_order_and_few_are_held() -> None:
    tables = CountedRows()
    found: list[int] = []
    read = 0
    with RowsAhead(PIECES, tables, most_bytes=10 * ROW) as ahead:
        for piece, rows in ahead:
            for row in rows:
                read += 1
                assert tables.made - read <= 12
                assert ahead.held_bytes <= 11 * ROW
                found.append(row["source_offset"])
            assert found[-1] == piece.end - 1

    assert found == list(range(200))


def test_at_most_one_further_range_is_taken_ahead() -> None:
    tables = CountedRows()
    with RowsAhead(PIECES, tables) as ahead:
        for number, (_, rows) in enumerate(ahead, 1):
            next(rows)
            assert len(tables.pieces) <= number + 1


def test_unread_rows_do_not_appear_in_the_next_range() -> None:
    with RowsAhead(PIECES, CountedRows(), most_bytes=ROW) as ahead:
        firsts = [next(rows)["source_offset"] for _, rows in ahead]

    assert firsts == [0, 50, 100, 150]


def test_a_query_error_reaches_the_reader() -> None:
    found: list[int] = []

    def read() -> None:
        with RowsAhead(PIECES, CountedRows(fails_at=60)) as ahead:
            for _, rows in ahead:
                found.extend(row["source_offset"] for row in rows)

    with pytest.raises(OSError, match="gone"):
        read()

    assert found == list(range(60))


def test_a_reader_that_leaves_ends_the_thread() -> None:
    ahead = RowsAhead(PIECES, CountedRows(), most_bytes=ROW)
    with ahead:
        next(iter(ahead))

    assert not ahead._thread.is_alive()
