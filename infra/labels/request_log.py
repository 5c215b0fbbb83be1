"""The port to the request topics: values by their place, and how places become reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

WIDEST_GAP = 500
"""Offsets between two wanted ones that are read over; beyond it, seeking is cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LogPlace:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedValue:
    """A record's value, and its broker time in ms."""

    value: bytes | None
    timestamp: int


class PromptLog(Protocol):
    """Reads requests by their place in the log."""

    def read(self, places: Collection[LogPlace]) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """What lies at these places, one record at a time, in any order; those that the log no
        longer holds are left out.
        """
        ...


class InMemoryPromptLog:
    """The twin in memory."""

    def __init__(self, records: Mapping[LogPlace, LoggedValue]) -> None:
        self._records = records

    async def read(
        self, places: Collection[LogPlace]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """See `PromptLog.read`."""
        for place in places:
            if place in self._records:
                yield place, self._records[place]


def spans(offsets: Sequence[int], gap: int = WIDEST_GAP) -> Iterator[tuple[int, int]]:
    """Ranges, both ends inclusive and ascending, that hold these offsets and no gap wider."""
    ordered = sorted(set(offsets))
    if not ordered:
        return
    first = last = ordered[0]
    for offset in ordered[1:]:
        if offset - last > gap:
            yield first, last
            first = offset
        last = offset
    yield first, last
