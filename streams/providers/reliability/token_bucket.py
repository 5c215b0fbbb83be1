"""A token bucket whose rate may change while it runs, and that may owe for one request.

It starts empty, so that whoever restarts, or takes over another worker's share, never spends what
was spent already. Time is milliseconds and comes from the caller.
"""

from __future__ import annotations

MINUTE_MS = 60_000.0


class TokenBucket:
    """Fills evenly; holds at most `burst_ms` worth of its rate, but at least `least`."""

    def __init__(self, *, burst_ms: float, least: float = 0.0) -> None:
        self._burst_ms = burst_ms
        self._least = least
        self._level = 0.0
        self._seen: float | None = None

    def level(self, rate_per_minute: float, now: float) -> float:
        """What is in it at `now`; below 0 it owes."""
        rate = rate_per_minute / MINUTE_MS
        passed = 0.0 if self._seen is None else max(now - self._seen, 0.0)
        self._seen = now
        most = max(rate * self._burst_ms, self._least)
        self._level = min(self._level + rate * passed, most)
        return self._level

    def take(self, amount: float) -> None:
        """Take so much out, be it there or not."""
        self._level -= amount

    def give_back(self, amount: float) -> None:
        """Return what was taken and not used; the next `level` bounds it."""
        self._level += amount
