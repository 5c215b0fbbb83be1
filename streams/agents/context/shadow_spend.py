"""Spend limit for shadow calls of a worker: its share of a daily sum.

A bucket fills evenly over the day, by the share of partitions that the worker owns. It starts
empty, and so does the share that a rebalance adds: the sum holds over restarts without a
coordinator. One call may overdraw it, because its cost is known only afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from schemas.records import DAY_MS

MOST_MS = 60 * 60 * 1000
"""Time for which unspent allowance is kept."""


class ShadowSpendLimiter:
    """The bucket of one worker; amounts are nano-USD, `owned` returns the owned share, 0..1."""

    def __init__(self, owned: Callable[[], float]) -> None:
        self._owned = owned
        self._level = 0.0
        self._seen: int | None = None

    def open(self, nano_per_day: int, now: int) -> bool:
        """Return whether a call may be made at broker time `now`, ms."""
        rate = nano_per_day * self._owned() / DAY_MS
        passed = 0 if self._seen is None else max(now - self._seen, 0)
        self._seen = now
        self._level = min(self._level + rate * passed, rate * MOST_MS)
        return self._level > 0

    @property
    def level(self) -> float:
        """Return the remaining nano-USD at the last check; below 0 after an overdraft."""
        return self._level

    def spent(self, cost_nano: int | None) -> None:
        """Subtract the cost of a call; a call of unknown cost empties the bucket."""
        self._level = min(self._level, 0.0) if cost_nano is None else self._level - cost_nano
