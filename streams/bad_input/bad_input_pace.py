"""How fast unreadable messages of one partition are taken, so that they cost others little.

A dead letter costs a worker about as much as a small request. A partition whose dead letters come
faster than its rate is paused until they are within it; other partitions, also of the same topic,
are read as ever. A partition that has good messages among the bad ones keeps the high rate, for the
good ones wait behind the bad. One in which nothing was readable for a while has the low rate. What
is in the worker already is still handled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

AMONG_GOOD_PER_S = 500.0
NOTHING_GOOD_PER_S = 25.0
"""Dead letters of a partition in a second."""

NOTHING_GOOD_FOR = 500
"""Dead letters in a row after which a partition counts as one in which nothing is readable."""

BURST = 1_000.0
"""Dead letters of a partition that may come at once."""

LONGEST_PAUSE_S = 5.0

Partition = tuple[str, int]
Pause = Callable[[Partition, float], None]
"""Reads no more of a partition for so many seconds."""


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float
    in_a_row: int = 0
    paused_until: float = 0.0


class BadInputPace:
    """A token bucket for each partition; `elapsed_s` is any monotonic count of seconds."""

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
        """A message of this partition was read."""
        level = self._levels.get(partition)
        if level is not None and level.in_a_row:
            level.in_a_row = 0

    def bad(self, partition: Partition) -> None:
        """A message of this partition became a dead letter."""
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
