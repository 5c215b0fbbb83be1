"""The port to the request topics: values by position, and grouping of positions into reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

WIDEST_GAP = 500
"""Maximum gap between wanted offsets that is read through; for larger gaps seeking is cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LogPlace:
    """Position of a record."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedValue:
    """A record's value, and its broker time in ms."""

    value: bytes | None
    timestamp: int


class PromptLog(Protocol):
    """Reads requests by their position in the log; `missing_topics` had none of the read ones."""

    missing_topics: set[str]

    def read(self, places: Collection[LogPlace]) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """Yield the records at these positions, in any order; deleted ones are left out."""
        ...


class InMemoryPromptLog:
    """The in-memory twin."""

    def __init__(self, records: Mapping[LogPlace, LoggedValue]) -> None:
        self._records = records
        self.missing_topics: set[str] = set()

    async def read(
        self, places: Collection[LogPlace]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """See `PromptLog.read`."""
        known = {place.topic for place in self._records}
        self.missing_topics |= {place.topic for place in places} - known
        for place in places:
            if place in self._records:
                yield place, self._records[place]


def spans(offsets: Sequence[int], gap: int = WIDEST_GAP) -> Iterator[tuple[int, int]]:
    """Yield ascending inclusive ranges that contain these offsets and no wider gap."""
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
