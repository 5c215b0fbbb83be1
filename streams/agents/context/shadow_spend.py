"""What a worker may spend on shadow calls, of a daily sum that all workers share.

A bucket that fills evenly over the day, by the share of partitions that the worker owns. It starts
empty, and so does what a rebalance adds: whatever restarts, the sum holds without a coordinator.
One call may take it into debt, since its cost is known only afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

DAY_MS = 24 * 60 * 60 * 1000
MOST_MS = 60 * 60 * 1000
"""Unspent allowance is kept for so long, no longer."""


class ShadowSpendLimiter:
    """The bucket of one worker; amounts are nano-USD, `owned` gives the share 0..1 it owns now."""

    def __init__(self, owned: Callable[[], float]) -> None:
        self._owned = owned
        self._level = 0.0
        self._seen: int | None = None

    def open(self, nano_per_day: int, now: int) -> bool:
        """Whether a call may be made at broker time `now`, ms."""
        rate = nano_per_day * self._owned() / DAY_MS
        passed = 0 if self._seen is None else max(now - self._seen, 0)
        self._seen = now
        self._level = min(self._level + rate * passed, rate * MOST_MS)
        return self._level > 0

    @property
    def level(self) -> float:
        """What may still be spent, nano-USD, when it was last looked at; below 0 it owes."""
        return self._level

    def spent(self, cost_nano: int | None) -> None:
        """A call has cost this; one of unknown cost is taken to have used up what there was."""
        self._level = min(self._level, 0.0) if cost_nano is None else self._level - cost_nano
