"""Which keys were seen within a window of broker time: the pure part of marking repeats.

A key counts as seen for `span_ms` after the record that counted; a repeat does not extend that.
Whether a record is a repeat follows from the log alone, so reading it again marks the same rows,
also when the window was filled from the counted rows that are stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

SPAN_MS = 15 * 60 * 1000
"""How long a request's id is its own after it ended (design, section 2)."""

MAX_KEYS = 1_000_000
"""Most keys of one partition; about 120 MB. Beyond it the oldest are forgotten early."""


class SeenWindow:
    """Keys by the time of the record that counted; times are broker times, ms."""

    def __init__(self, span_ms: int = SPAN_MS, max_keys: int = MAX_KEYS) -> None:
        self._span_ms = span_ms
        self._max_keys = max_keys
        self._counted_at: dict[bytes, int] = {}
        self._by_time: deque[tuple[int, bytes]] = deque()
        self.forgotten_early = 0

    def __len__(self) -> int:
        """Keys remembered."""
        return len(self._counted_at)

    def holds(self, key: bytes, at: int) -> bool:
        """Whether a record with this key counted at most `span_ms` before `at`."""
        counted_at = self._counted_at.get(key)
        return counted_at is not None and at - counted_at <= self._span_ms

    def add(self, key: bytes, at: int) -> None:
        """A record with this key counts."""
        self._counted_at[key] = at
        self._by_time.append((at, key))
        self._forget(at - self._span_ms)

    def fill(self, counted: Iterable[tuple[bytes, int]]) -> None:
        """Take in what counted before, oldest first."""
        for key, at in counted:
            self.add(key, at)

    def keys(self, most: int) -> list[bytes]:
        """Some of the keys, oldest first."""
        return list(islice(self._counted_at, most))

    def _forget(self, before: int) -> None:
        entries = self._by_time
        while entries and (entries[0][0] < before or len(entries) > self._max_keys):
            at, key = entries.popleft()
            if self._counted_at.get(key) == at:
                del self._counted_at[key]
                self.forgotten_early += at >= before
