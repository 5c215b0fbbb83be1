"""Batches: consecutive rows of one partition for one table in one insert.

Pure. A batch also ends where the table changes: rows and dead letters of a partition are stored
strictly in log order, so that the greatest stored offset describes everything that is stored.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from sinks.rows.avro_file import Row
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable
from sinks.settings import SinkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """Limits of a batch: rows, bytes, and the longest wait of its first row in seconds.

    Batches below the limits end at multiples of the wait, so that all partitions flush together.
    """

    rows: int = 100_000
    size: int = 64_000_000
    wait_s: float = 0.5

    @classmethod
    def of(cls, settings: SinkSettings) -> BatchLimits:
        """Return the limits of the settings."""
        return cls(
            rows=settings.sink_batch_rows,
            size=settings.sink_batch_bytes,
            wait_s=settings.sink_flush_ms / 1000,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One insert. `ingested_at`, ms since 1970 UTC, is kept over retries."""

    place: Place
    table: EventTable
    rows: tuple[Row, ...]
    size: int
    ingested_at: int

    @property
    def first(self) -> int:
        """Return the smallest offset."""
        return self.rows[0].offset

    @property
    def last(self) -> int:
        """Return the greatest offset."""
        return self.rows[-1].offset

    @property
    def token(self) -> str:
        """Return a token of the exact range: ClickHouse drops inserts with equal tokens unread."""
        topic, partition = self.place
        return f"{self.table.name}/{topic}/{partition}/{self.first}-{self.last}"

    def halves(self) -> tuple[Batch, Batch]:
        """Split into two batches; requires at least two rows."""
        middle = len(self.rows) // 2
        return self.of(self.table, self.rows[:middle]), self.of(self.table, self.rows[middle:])

    def of(self, table: EventTable, rows: tuple[Row, ...]) -> Batch:
        """Return a batch at the same position and time with these rows for this table."""
        size = sum(row.size for row in rows)
        return replace(self, table=table, rows=rows, size=size)


@dataclass(slots=True)
class _Open:
    table: EventTable
    rows: list[Row]
    size: int
    since: float


class Batcher:
    """Collects the rows of one partition; `now` is any monotonic count of seconds."""

    def __init__(self, place: Place, limits: BatchLimits) -> None:
        self._place = place
        self._limits = limits
        self._open: _Open | None = None
        self._sealed: deque[_Open] = deque()
        self.size = 0

    def add(self, table: EventTable, row: Row, now: float) -> None:
        """Append a row."""
        size = row.size
        self.size += size
        open_batch = self._open
        if open_batch is not None and (
            open_batch.table is not table or open_batch.size + size > self._limits.size
        ):
            self.cut()
            open_batch = None
        if open_batch is None:
            open_batch = self._open = _Open(table, [], 0, now)
        open_batch.rows.append(row)
        open_batch.size += size
        if len(open_batch.rows) >= self._limits.rows:
            self.cut()

    def due_in(self, now: float) -> float | None:
        """Return the seconds until a batch is due, 0 if one is; `None` without rows."""
        if self._sealed:
            return 0.0
        if self._open is None:
            return None
        wait = self._limits.wait_s
        return max((self._open.since // wait + 1) * wait - now, 0.0)

    def take(self, ingested_at: int) -> Batch | None:
        """Return the oldest batch, also one that is not full."""
        if not self._sealed:
            self.cut()
        if not self._sealed:
            return None
        oldest = self._sealed.popleft()
        return Batch(
            place=self._place,
            table=oldest.table,
            rows=tuple(oldest.rows),
            size=oldest.size,
            ingested_at=ingested_at,
        )

    def stored(self, batch: Batch) -> None:
        """Free the memory of a batch that was taken and is stored."""
        self.size -= batch.size

    def cut(self) -> None:
        """Start a new batch with the next row."""
        if self._open is not None:
            self._sealed.append(self._open)
            self._open = None
