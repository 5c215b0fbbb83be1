"""Offset up to which all alerts are delivered. Pure.

A new leader delivers again what is after it. After a crash a webhook can therefore receive a change
twice, with the same id, and never not at all.
"""

from __future__ import annotations


class Progress:
    """The notices in delivery, by their offset on the log."""

    def __init__(self, start: int) -> None:
        self._read_to = start
        self._open: dict[int, int] = {}

    @property
    def delivered_offset(self) -> int:
        """Return the offset before which every notice is delivered, or given up."""
        return min(self._open, default=self._read_to)

    def read(self, offset: int) -> None:
        """Open the notice of a record; done before any delivery ends."""
        self._read_to = max(self._read_to, offset + 1)

    def begin(self, offset: int) -> None:
        """Add a delivery of the notice at this offset."""
        self._open[offset] = self._open.get(offset, 0) + 1

    def end(self, offset: int) -> None:
        """End a delivery, whatever its result."""
        left = self._open[offset] - 1
        if left:
            self._open[offset] = left
        else:
            del self._open[offset]
