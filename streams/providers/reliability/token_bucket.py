"""Token bucket with a variable rate, which may go into debt for one request.

It starts empty, so a restart, or taking over another worker's share, never spends tokens twice.
Time is milliseconds and is passed in.
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
        """Return the level at `now`; a negative one is a debt."""
        rate = rate_per_minute / MINUTE_MS
        passed = 0.0 if self._seen is None else max(now - self._seen, 0.0)
        self._seen = now
        most = max(rate * self._burst_ms, self._least)
        self._level = min(self._level + rate * passed, most)
        return self._level

    def take(self, amount: float) -> None:
        """Take tokens, available or not."""
        self._level -= amount

    def give_back(self, amount: float) -> None:
        """Return unused tokens; the next `level` bounds them."""
        self._level += amount
