"""In-memory twin of the budgets' topics.

`compact` and `begin_at` apply compaction and retention, as a broker does. A reader returns at most
`batch` records of a partition at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.topics import BUDGETS
from streams.budgets.budget_log import BudgetRecord, LogReader
from streams.journal.in_memory_log import MemoryLog, Stored


class MemoryBudgetLog:
    """Reads records published to a `MemoryLog`."""

    def __init__(self, log: MemoryLog, partitions: int, batch: int = 1_000) -> None:
        self._log = log
        self._partitions = partitions
        self.batch = batch
        self._gone: set[tuple[str, int, int]] = set()
        self._begins: dict[tuple[str, int], int] = {}

    def compact(self, topic: str = BUDGETS) -> None:
        """Remove every record that a later one of the same key has replaced."""
        for partition in range(self._partitions):
            latest = {
                stored.record.key: stored.at.offset for stored in self._log.of(topic, partition)
            }
            self._gone |= {
                (topic, partition, stored.at.offset)
                for stored in self._log.of(topic, partition)
                if latest[stored.record.key] != stored.at.offset
            }

    def begin_at(self, topic: str, partition: int, offset: int) -> None:
        """Remove records before an offset, as retention does."""
        self._begins[topic, partition] = offset

    async def partitions(self) -> int:
        """See `BudgetLog`."""
        return self._partitions

    async def bounds(self, topic: str) -> Mapping[int, tuple[int, int]]:
        """See `BudgetLog`."""
        return {
            partition: (
                self._begins.get((topic, partition), 0),
                len(self._log.of(topic, partition)),
            )
            for partition in range(self._partitions)
        }

    async def offsets_at(self, topic: str, at: int) -> Mapping[int, int]:
        """See `BudgetLog`."""
        return {
            partition: sum(
                1 for stored in self._log.of(topic, partition) if stored.at.timestamp < at
            )
            for partition in range(self._partitions)
        }

    async def open(
        self, topic: str, positions: Mapping[int, int], *, follows: bool = True
    ) -> LogReader:
        """See `BudgetLog`."""
        begins = {
            partition: max(position, self._begins.get((topic, partition), 0))
            for partition, position in positions.items()
        }
        return _MemoryReader(self, topic, begins)

    def between(self, topic: str, partition: int, begin: int) -> Sequence[Stored]:
        """Return the rest of a partition from an offset on."""
        return [
            stored
            for stored in self._log.of(topic, partition)[begin : begin + self.batch]
            if (topic, partition, stored.at.offset) not in self._gone
        ]

    def end(self, topic: str, partition: int) -> int:
        """Return the end offset."""
        return len(self._log.of(topic, partition))


class _MemoryReader:
    def __init__(self, log: MemoryBudgetLog, topic: str, positions: Mapping[int, int]) -> None:
        self._log = log
        self._topic = topic
        self._positions = dict(positions)

    async def read(self) -> Sequence[BudgetRecord]:
        """See `LogReader`."""
        found: list[BudgetRecord] = []
        for partition, position in self._positions.items():
            found.extend(
                BudgetRecord(
                    partition=partition,
                    offset=stored.at.offset,
                    at=stored.at.timestamp,
                    key=stored.record.key or b"",
                    value=stored.record.value,
                )
                for stored in self._log.between(self._topic, partition, position)
            )
            self._positions[partition] = min(
                position + self._log.batch, self._log.end(self._topic, partition)
            )
        return found

    async def positions(self) -> Mapping[int, int]:
        """See `LogReader`."""
        return dict(self._positions)

    async def close(self) -> None:
        """See `LogReader`."""
        self._positions.clear()
