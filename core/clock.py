"""Time as the pipeline counts it: the broker's, in milliseconds since 1970 UTC.

Deadlines and leases are compared with timestamps that the broker wrote. A worker's own clock may
be off, and may be set while it runs; so it is read once, at the start, and time goes on by a count
that nobody can set. Every acknowledged record says what time the broker had, and the difference is
kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """Broker time: the worker's clock as it was at the start, a count since then, and what the
    broker stamped on our records.

    `wall_ms` is asked once; `count_ms` only goes on. A count stands still while a machine sleeps,
    and a worker's clock may be hours off when it starts: a difference that no slow record explains
    is taken over at once, a small one bit by bit, since brokers differ among themselves.
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
        """Whether the broker has told the time yet."""

    def now(self) -> int:
        """Broker time, ms since 1970 UTC."""
        return int(self._count_ms() + self._ahead_ms)

    def elapsed_ms(self) -> float:
        """A monotonic count of ms."""
        return self._count_ms()

    def observe(self, broker_ms: int, sent_ms: float, acknowledged_ms: float) -> None:
        """Learn from a record: the broker's stamp, and our own count before and after.

        A record that was long under way says little and is passed over.
        """
        if acknowledged_ms - sent_ms > self._IGNORED_MS:
            return
        difference = broker_ms - (sent_ms + acknowledged_ms) / 2 - self._ahead_ms
        is_news = not self.is_set or abs(difference) > self._JUMP_MS
        self._ahead_ms += difference if is_news else self._WEIGHT * difference
        self.is_set = True


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
