"""How fast unreadable messages of one partition are taken, so that they cost others little.

A dead letter costs a worker about as much as a small request. A partition whose dead letters come
faster than `MOST_PER_S` is paused until they are within that rate; other partitions, also of the
same topic, are read as ever. What is in the worker already is still handled.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_PER_S = 500.0
BURST = 1_000.0
"""Dead letters of a partition that may come at once."""

LONGEST_PAUSE_S = 5.0

Partition = tuple[str, int]
Pause = Callable[[Partition, float], None]
"""Reads no more of a partition for so many seconds."""


class BadInputPace:
    """A token bucket for each partition; `elapsed_s` is any monotonic count of seconds."""

    def __init__(
        self,
        elapsed_s: Callable[[], float],
        pause: Pause,
        *,
        most_per_s: float = MOST_PER_S,
        burst: float = BURST,
    ) -> None:
        self._elapsed_s = elapsed_s
        self._pause = pause
        self._most_per_s = most_per_s
        self._burst = burst
        self._levels: dict[Partition, tuple[float, float]] = {}
        self._until: dict[Partition, float] = {}

    def bad(self, partition: Partition) -> None:
        """A message of this partition became a dead letter."""
        now = self._elapsed_s()
        level, at = self._levels.get(partition, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._most_per_s) - 1
        self._levels[partition] = level, now
        if level < 0 and now >= self._until.get(partition, 0.0):
            pause_s = min((self._burst / 2 - level) / self._most_per_s, LONGEST_PAUSE_S)
            self._until[partition] = now + pause_s
            self._pause(partition, pause_s)
