"""Rate limit for unreadable messages of one partition, so that they delay other partitions little.

A dead letter costs a worker about as much as a small request. A partition whose dead letters exceed
its rate is paused until they are within it; other partitions, also of the same topic, are read as
before. A partition with readable messages among the bad ones has the high rate, because the
readable ones wait behind the bad. A partition without a readable message for a while has the low
rate. Messages already in the worker are still handled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

AMONG_GOOD_PER_S = 500.0
NOTHING_GOOD_PER_S = 25.0
"""Dead letters of a partition per second."""

NOTHING_GOOD_FOR = 500
"""Consecutive dead letters after which a partition counts as unreadable."""

BURST = 1_000.0
"""Burst of dead letters of a partition."""

LONGEST_PAUSE_S = 5.0

Partition = tuple[str, int]
Pause = Callable[[Partition, float], None]
"""Pauses a partition for a number of seconds."""


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float
    in_a_row: int = 0
    paused_until: float = 0.0


class BadInputPace:
    """A token bucket for each partition; `elapsed_s` is any monotonic clock in seconds."""

    def __init__(
        self,
        elapsed_s: Callable[[], float],
        pause: Pause,
        *,
        among_good_per_s: float = AMONG_GOOD_PER_S,
        nothing_good_per_s: float = NOTHING_GOOD_PER_S,
        nothing_good_for: int = NOTHING_GOOD_FOR,
        burst: float = BURST,
    ) -> None:
        self._elapsed_s = elapsed_s
        self._pause = pause
        self._high = among_good_per_s
        self._low = nothing_good_per_s
        self._nothing_good_for = nothing_good_for
        self._burst = burst
        self._levels: dict[Partition, _Level] = {}

    def good(self, partition: Partition) -> None:
        """Record that a message of this partition was read."""
        level = self._levels.get(partition)
        if level is not None and level.in_a_row:
            level.in_a_row = 0

    def bad(self, partition: Partition) -> None:
        """Record that a message of this partition became a dead letter."""
        now = self._elapsed_s()
        level = self._levels.setdefault(partition, _Level(self._burst, now))
        level.in_a_row += 1
        rate = self._low if level.in_a_row > self._nothing_good_for else self._high
        level.tokens = min(self._burst, level.tokens + (now - level.at) * rate) - 1
        level.at = now
        if level.tokens < 0 and now >= level.paused_until:
            pause_s = min((1 - level.tokens) / rate, LONGEST_PAUSE_S)
            level.paused_until = now + pause_s
            self._pause(partition, pause_s)
