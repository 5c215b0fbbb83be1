"""The keys seen within a window of broker time: the pure part of duplicate detection.

A key counts as seen for `span_ms` after the record that counted; a duplicate does not extend that.
The result depends on the log alone. Reading a record again marks the same rows, also if the window
was filled from the stored counted rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.dedup_index import KEY_BYTES, RecentKeys
from schemas.identity import DUPLICATE_WINDOW_MS

MAX_KEYS = 4_000_000
"""Most keys of one partition; about 100 MB. Beyond it the oldest are dropped early."""


class SeenWindow:
    """Keys by the time of the record that counted; times are broker times, ms."""

    def __init__(self, span_ms: int = DUPLICATE_WINDOW_MS, max_keys: int = MAX_KEYS) -> None:
        self._span_ms = span_ms
        self._max_keys = max_keys
        self._counted = RecentKeys(span_ms)
        self.forgotten_early = 0

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._counted)

    def holds(self, key: bytes, at: int) -> bool:
        """Return whether a record with this key counted at most `span_ms` before `at`."""
        counted_at = self._counted.at(int.from_bytes(key, "big"))
        return counted_at is not None and at - counted_at <= self._span_ms

    def add(self, key: bytes, at: int) -> None:
        """Count a record with this key of at most 8 bytes."""
        self._counted.put(int.from_bytes(key, "big"), at)
        self._counted.forget_before(at - self._span_ms)
        if len(self._counted) > self._max_keys:
            self.forgotten_early += self._counted.forget_oldest()

    def fill(self, counted: Iterable[tuple[bytes, int]]) -> None:
        """Load the keys counted before, oldest first."""
        for key, at in counted:
            self.add(key, at)

    def oldest_first(self) -> list[bytes]:
        """Return the keys, oldest first."""
        return [key.to_bytes(KEY_BYTES, "big") for key, _ in self._counted.oldest_first()]
