"""Pipeline time: the broker's clock, in milliseconds since 1970 UTC.

Deadlines and leases are compared with timestamps of the broker. A worker's own clock may be wrong,
and may be set at run time. It is therefore read once at startup, and a monotonic counter advances
the time. Every acknowledged record gives the broker's time, and the difference is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Broker time and a monotonic counter."""

    def now(self) -> int:
        """Return broker time, ms since 1970 UTC."""
        ...

    def elapsed_ms(self) -> float:
        """Return a monotonic count of ms, for durations."""
        ...


class BrokerClock:
    """Broker time from the worker's clock at startup, a monotonic counter, and the broker's
    timestamps on produced records.

    `wall_ms` is called once; `count_ms` is monotonic. The counter stops while a machine sleeps, and
    a worker's clock may be hours off at startup. A difference that a slow record cannot explain is
    applied at once. A small one is applied gradually, since brokers' clocks differ.
    """

    _WEIGHT = 0.1
    _IGNORED_MS = 200
    _JUMP_MS = 2_000

    def __init__(
        self,
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
        count_ms: Callable[[], float] = lambda: time.perf_counter() * 1000,
    ) -> None:
        self._count_ms = count_ms
        self._ahead_ms = wall_ms() - count_ms()
        self.is_set = False
        """Return whether a broker timestamp has been observed."""

    def now(self) -> int:
        """Return broker time, ms since 1970 UTC."""
        return int(self._count_ms() + self._ahead_ms)

    def elapsed_ms(self) -> float:
        """Return a monotonic count of ms."""
        return self._count_ms()

    def observe(self, broker_ms: int, sent_ms: float, acknowledged_ms: float) -> None:
        """Update from an acknowledged record: the broker's timestamp, and the local counter before
        and after.

        A record with a long round trip is ignored.
        """
        if acknowledged_ms - sent_ms > self._IGNORED_MS:
            return
        difference = broker_ms - (sent_ms + acknowledged_ms) / 2 - self._ahead_ms
        is_news = not self.is_set or abs(difference) > self._JUMP_MS
        self._ahead_ms += difference if is_news else self._WEIGHT * difference
        self.is_set = True


class StillClock:
    """In-memory clock for tests, advanced explicitly."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self._now = float(now)

    def now(self) -> int:
        """Return the time that was set."""
        return int(self._now)

    def elapsed_ms(self) -> float:
        """Return the same time as a counter."""
        return self._now

    def advance(self, milliseconds: float) -> None:
        """Advance the time."""
        self._now += milliseconds
