"""Whose turn it is when capacity comes back: who asked for the best answer goes first.

Hops that found no room look again every little while. Without this, whoever looks first takes what
has come free, and a flood of ordinary requests takes it all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from streams.routing.selection.candidates import Shortlist, blocked_shortlist

_WHY = "requests of priority wait for it"


class PriorityGate:
    """How many hops of priority wait in place for capacity, by tier, in this worker."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    def of_others(self, tier: str) -> Shortlist | None:
        """Nobody to ask for an ordinary hop, while one of priority waits for the same tier."""
        if not self._waiting[tier]:
            return None
        return blocked_shortlist(_WHY)

    @contextmanager
    def waiting(self, tier: str) -> Iterator[None]:
        """A hop of priority waits in place."""
        self._waiting[tier] += 1
        try:
            yield
        finally:
            self._waiting[tier] -= 1
