"""Order of access to freed capacity: priority hops of a tier precede ordinary hops.

Hops without capacity retry at short intervals. Without this gate the first retry takes what is
freed, and a flood of ordinary requests takes it all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from streams.routing.selection.candidates import Shortlist, blocked_shortlist

_WHY = "priority requests wait for this capacity"


class PriorityGate:
    """Counts priority hops that wait in place for capacity, by tier, in this worker."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    def of_others(self, tier: str) -> Shortlist | None:
        """Return a blocked shortlist for ordinary hops while a priority hop of the tier waits."""
        if not self._waiting[tier]:
            return None
        return blocked_shortlist(_WHY)

    @contextmanager
    def waiting(self, tier: str) -> Iterator[None]:
        """Register a waiting priority hop."""
        self._waiting[tier] += 1
        try:
            yield
        finally:
            self._waiting[tier] -= 1
