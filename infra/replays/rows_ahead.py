"""Recorded decisions of pieces, prefetched by a thread and passed on row by row.

Memory is bounded: the thread waits while `MOST_BYTES` are buffered, and reads at most one piece
ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Condition, Thread
from typing import Any, Self

from streams.offline.replay.run_spec import OffsetSpan

MOST_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 2_000
"""Approximate size of a row besides its recorded inputs."""

_AT_ONCE = 2
"""Pieces in progress: the one that is read, and the next."""

Row = Mapping[str, Any]


class RowsAhead:
    """Pieces with their rows in order; a context, whose end stops the thread."""

    def __init__(
        self,
        pieces: Iterable[OffsetSpan],
        query: Callable[[OffsetSpan], Iterator[Row]],
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._pieces = iter(pieces)
        self._query = query
        self._most = most_bytes
        self._changed = Condition()
        self._held: deque[tuple[OffsetSpan, Row | None, int]] = deque()
        self._bytes = 0
        self._begun = 0
        self._done = 0
        self._over = False
        self._error: Exception | None = None
        self._thread = Thread(target=self._fill, name="replay-rows", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def held_bytes(self) -> int:
        """Return the approximate bytes of buffered rows."""
        return self._bytes

    def __iter__(self) -> Iterator[tuple[OffsetSpan, Iterator[Row]]]:
        """Yield each piece with its rows, which are read before the next piece.

        Raises:
            SinkError: the error of a query.
        """
        while (found := self._next()) is not None:
            piece, _ = found
            rows = self._rows()
            yield piece, rows
            deque(rows, maxlen=0)
            with self._changed:
                self._done += 1
                self._changed.notify_all()

    def _rows(self) -> Iterator[Row]:
        while (found := self._next()) is not None and found[1] is not None:
            yield found[1]

    def _next(self) -> tuple[OffsetSpan, Row | None] | None:
        """Return the next start of a piece, row or end; `None` at the end of all."""
        with self._changed:
            while not self._held and not self._over:
                self._changed.wait()
            if not self._held:
                if self._error is not None:
                    raise self._error
                return None
            piece, row, size = self._held.popleft()
            was_full = self._bytes >= self._most
            self._bytes -= size
            if was_full:
                self._changed.notify_all()
            return piece, row

    def _fill(self) -> None:
        try:
            while self._may_begin() and (piece := next(self._pieces, None)) is not None:
                self._put(piece, None, 0)
                for row in self._query(piece):
                    if not self._put(piece, row, _ROW_BYTES + len(row["decision_inputs"] or "")):
                        return
                self._put(piece, None, 0)
        except Exception as error:  # noqa: BLE001 - the reader of the rows raises it
            self._error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _may_begin(self) -> bool:
        """Wait until no piece is ahead of the one that is read; return whether to continue."""
        with self._changed:
            while self._begun - self._done >= _AT_ONCE and not self._over:
                self._changed.wait()
            self._begun += 1
            return not self._over

    def _put(self, piece: OffsetSpan, row: Row | None, size: int) -> bool:
        with self._changed:
            while self._bytes >= self._most and not self._over:
                self._changed.wait()
            if self._over:
                return False
            self._held.append((piece, row, size))
            self._bytes += size
            if len(self._held) == 1:
                self._changed.notify_all()
            return True
