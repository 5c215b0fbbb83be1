"""Records that retention removed before they were read. Pure: it knows offsets, nothing of Kafka.

A gap between two offsets that were read is common: markers of transactions, aborted records and
compaction leave them. Records were lost only where the log's beginning lies behind what was to be
read next. So jumps are noted as messages come, and held against the beginnings later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Partition = tuple[str, int]
"""A topic and a partition number."""

MOST_JUMPS = 1_000
"""Jumps of one partition that are kept until the next look; later ones are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGap:
    """Offsets `first` to `last` of a partition were removed unread; not all need be records."""

    topic: str
    partition: int
    first: int
    last: int

    @property
    def most_records(self) -> int:
        """How many records it was at most."""
        return self.last - self.first + 1


class LogGaps:
    """What was read of each partition under one assignment."""

    def __init__(self) -> None:
        self._committed: Callable[[Partition], int | None] = lambda place: None
        self._next: dict[Partition, int] = {}
        self._jumps: dict[Partition, list[tuple[int, int]]] = {}

    @property
    def noticed(self) -> bool:
        """Whether there are jumps to be looked at."""
        return bool(self._jumps)

    def assign(self, committed: Callable[[Partition], int | None]) -> None:
        """A new assignment: everything is read from the committed offsets again."""
        self._committed = committed
        self._next.clear()
        self._jumps.clear()

    def took(self, place: Partition, offset: int) -> None:
        """A message came."""
        expected = self.expected(place)
        if expected is not None and offset > expected:
            jumps = self._jumps.setdefault(place, [])
            if len(jumps) < MOST_JUMPS:
                jumps.append((expected, offset))
        if expected is None or offset >= expected:
            self._next[place] = offset + 1

    def expected(self, place: Partition) -> int | None:
        """The offset that comes next; `None` where the group has read nothing yet."""
        found = self._next.get(place)
        return self._committed(place) if found is None else found

    def find(self, beginnings: Mapping[Partition, int]) -> list[LogGap]:
        """The gaps, each told once, from the first offset of each partition as it is now."""
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
