"""In-order acknowledgement of one partition: offsets are released only as a finished prefix.

Faust commits past messages that are still in flight (faust-streaming issue 606), so that a crash
would lose them. Here every opened offset is held until all before it are finished. Pure: it knows
offsets and what is kept with each, nothing of Kafka.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

MAX_SPAN = 10_000
"""Most offsets between the oldest open one and the newest; beyond it the partition pauses."""


class Opening(Enum):
    """What an arriving offset means."""

    NEW = "new"
    """Never seen: work on it."""
    OPEN = "open"
    """Being worked on already: leave it alone."""
    RELEASED = "released"
    """Finished and released before: acknowledge it again."""


class AckTracker(Generic[Kept]):
    """The open offsets of one partition under one assignment; forgotten with it."""

    def __init__(self, *, max_span: int = MAX_SPAN) -> None:
        self._max_span = max_span
        self._open: OrderedDict[int, Kept] = OrderedDict()
        self._finished: set[int] = set()
        self._newest = -1

    @property
    def in_flight(self) -> int:
        """Offsets opened and not finished."""
        return len(self._open) - len(self._finished)

    @property
    def span(self) -> int:
        """Offsets from the oldest unreleased one to the newest, 0 when all are released."""
        if not self._open:
            return 0
        return self._newest - next(iter(self._open)) + 1

    @property
    def full(self) -> bool:
        """Whether no further offset may be opened for now."""
        return self.span >= self._max_span

    def open(self, offset: int, kept: Kept) -> Opening:
        """Take an offset in; `kept` comes back when it is released."""
        if offset > self._newest:
            self._newest = offset
            self._open[offset] = kept
            return Opening.NEW
        return Opening.OPEN if offset in self._open else Opening.RELEASED

    def finish(self, offset: int) -> list[Kept]:
        """Mark an offset finished; what may be released now, in order of offset.

        Raises:
            KeyError: the offset is not open, or was finished before.
        """
        if offset not in self._open or offset in self._finished:
            raise KeyError(offset)
        self._finished.add(offset)
        released: list[Kept] = []
        while self._open:
            oldest = next(iter(self._open))
            if oldest not in self._finished:
                break
            self._finished.discard(oldest)
            released.append(self._open.pop(oldest))
        return released
