"""Time as the pipeline counts it: the broker's, in milliseconds since 1970 UTC.

Deadlines and leases are compared with timestamps that the broker wrote. A worker's own clock may
be off; every acknowledged record says what time the broker had, and the difference is kept.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the broker's time and a monotonic one."""

    def now(self) -> int:
        """Broker time, ms since 1970 UTC."""
        ...

    def elapsed_ms(self) -> float:
        """A monotonic count of ms, for durations."""
        ...


class BrokerClock:
    """The worker's clock, set right by what the broker stamped on our records."""

    _WEIGHT = 0.1
    _IGNORED_MS = 200

    def __init__(self) -> None:
        self._offset_ms = 0.0

    def now(self) -> int:
        """Broker time, ms since 1970 UTC."""
        return int(time.time() * 1000 + self._offset_ms)

    def elapsed_ms(self) -> float:
        """A monotonic count of ms."""
        return time.perf_counter() * 1000

    def observe(self, broker_ms: int, sent_ms: float, acknowledged_ms: float) -> None:
        """Learn from a record: the broker's stamp, and our own clock before and after.

        A record that was long under way says little and is passed over.
        """
        if acknowledged_ms - sent_ms > self._IGNORED_MS:
            return
        difference = broker_ms - (sent_ms + acknowledged_ms) / 2
        self._offset_ms += self._WEIGHT * (difference - self._offset_ms)


class StillClock:
    """The twin for tests: time goes on only when it is told to."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self._now = float(now)

    def now(self) -> int:
        """The time that was set."""
        return int(self._now)

    def elapsed_ms(self) -> float:
        """The same time, as a count."""
        return self._now

    def advance(self, milliseconds: float) -> None:
        """Let time pass."""
        self._now += milliseconds
