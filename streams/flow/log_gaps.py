"""Gaps by retention: records that were removed before they were read. Pure: offsets, no Kafka.

A gap between two offsets is common: transaction markers, aborted records and compaction leave them.
Records are lost only if the log's beginning is after the next offset to read. So jumps are noted as
messages arrive, and compared with the first offsets later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Partition = tuple[str, int]
"""A topic and a partition number."""

MOST_JUMPS = 1_000
"""Jumps of one partition kept until the next check; later ones are merged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGap:
    """Offsets `first` to `last` of a partition were removed unread; not all need be records."""

    topic: str
    partition: int
    first: int
    last: int

    @property
    def most_records(self) -> int:
        """Return the maximum number of lost records."""
        return self.last - self.first + 1


class LogGaps:
    """Offsets read of each partition under one assignment."""

    def __init__(self) -> None:
        self._committed: Callable[[Partition], int | None] = lambda place: None
        self._next: dict[Partition, int] = {}
        self._jumps: dict[Partition, list[tuple[int, int]]] = {}

    @property
    def noticed(self) -> bool:
        """Return whether there are unchecked jumps."""
        return bool(self._jumps)

    def assign(self, committed: Callable[[Partition], int | None]) -> None:
        """Reset for a new assignment: reading restarts at the committed offsets."""
        self._committed = committed
        self._next.clear()
        self._jumps.clear()

    def took(self, place: Partition, offset: int) -> None:
        """Record the offset of a message."""
        expected = self.expected(place)
        if expected is not None and offset > expected:
            jumps = self._jumps.setdefault(place, [])
            if len(jumps) < MOST_JUMPS:
                jumps.append((expected, offset))
        if expected is None or offset >= expected:
            self._next[place] = offset + 1

    def expected(self, place: Partition) -> int | None:
        """Return the next offset; `None` if the group has read nothing yet."""
        found = self._next.get(place)
        return self._committed(place) if found is None else found

    def find(self, beginnings: Mapping[Partition, int]) -> list[LogGap]:
        """Return the gaps, each once, given the current first offset of each partition."""
        found = []
        for place, begin in beginnings.items():
            for first, offset in self._jumps.pop(place, ()):
                if begin > first:
                    found.append(_gap(place, first, min(begin, offset)))
            expected = self.expected(place)
            if expected is not None and begin > expected:
                found.append(_gap(place, expected, begin))
                self._next[place] = begin
        return found


def _gap(place: Partition, first: int, end: int) -> LogGap:
    return LogGap(topic=place[0], partition=place[1], first=first, last=end - 1)
