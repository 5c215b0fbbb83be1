"""Up to which offset of the alerts everybody was told: nothing before it is still under way. Pure.

A process that takes over tells again what lies behind it; a webhook can therefore hear of a change
twice after a crash, with the same id, and never not at all.
"""

from __future__ import annotations


class Progress:
    """The notices that are under way, by their offset on the log."""

    def __init__(self, start: int) -> None:
        self._read_to = start
        self._open: dict[int, int] = {}

    @property
    def told_to(self) -> int:
        """Every notice before this offset has been told, or given up."""
        return min(self._open, default=self._read_to)

    def read(self, offset: int) -> None:
        """A record was read; what it tells is opened before anything is ended."""
        self._read_to = max(self._read_to, offset + 1)

    def begin(self, offset: int) -> None:
        """One more delivery of the notice at this offset is under way."""
        self._open[offset] = self._open.get(offset, 0) + 1

    def end(self, offset: int) -> None:
        """One delivery is through, whatever came of it."""
        left = self._open[offset] - 1
        if left:
            self._open[offset] = left
        else:
            del self._open[offset]
