"""In-order acknowledgement of one partition: offsets are released only as a finished prefix.

Faust commits past messages that are still in flight (faust-streaming issue 606), so that a crash
would lose them. Here every opened offset is held until all before it are finished. Pure: offsets
and the values kept with them, no Kafka.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

MAX_SPAN = 10_000
"""Maximum range from the oldest open offset to the newest; beyond it the partition pauses."""


class Opening(Enum):
    """Status of an arriving offset."""

    NEW = "new"
    """New: handle it."""
    OPEN = "open"
    """In work: ignore it."""
    RELEASED = "released"
    """Finished and released: acknowledge it again."""


class AckTracker(Generic[Kept]):
    """The open offsets of one partition under one assignment."""

    def __init__(self, *, max_span: int = MAX_SPAN) -> None:
        self._max_span = max_span
        self._open: OrderedDict[int, Kept] = OrderedDict()
        self._finished: set[int] = set()
        self._newest = -1

    @property
    def in_flight(self) -> int:
        """Return the number of open offsets."""
        return len(self._open) - len(self._finished)

    @property
    def span(self) -> int:
        """Return the range from the oldest unreleased offset to the newest, 0 if there is none."""
        if not self._open:
            return 0
        return self._newest - next(iter(self._open)) + 1

    @property
    def full(self) -> bool:
        """Return whether no further offset may be opened now."""
        return self.span >= self._max_span

    def open(self, offset: int, kept: Kept) -> Opening:
        """Open an offset; `kept` is returned on its release."""
        if offset > self._newest:
            self._newest = offset
            self._open[offset] = kept
            return Opening.NEW
        return Opening.OPEN if offset in self._open else Opening.RELEASED

    def finish(self, offset: int) -> list[Kept]:
        """Finish an offset; return what may be released now, in order of offset.

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
