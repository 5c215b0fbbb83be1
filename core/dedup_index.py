"""What was seen lately, packed: keys of eight bytes, their time, and one number each.

A request's id is its own for a quarter of an hour after it ended, so workers and sinks remember
every id for so long. As dictionary entries they take 120 to 460 bytes (measured), and a process
under a steady load grows for a quarter of an hour before it grows no more. Here a place of a table
takes 20 bytes: open addressing with linear probing (Knuth, TAOCP 3, 6.4, algorithm L).

Entries lie in slices of time, each a table of its own that is dropped as a whole: nothing is moved
to delete it, and no lookup waits for a sweep. A new slice is as large as the one before it needed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import sha256

KEY_BYTES = 8
SLICES = 3
"""Slices of a span. Each costs a lookup of an unknown key 1 µs, and what is forgotten is up to one
slice late."""

_LEAST = 64
_FULL = 0.75


def packed_key(value: bytes) -> int:
    """The first eight bytes of SHA-256 as a number.

    Two of a million live keys are alike with a chance of 3e-8; ClickHouse computes the same.
    """
    return int.from_bytes(sha256(value).digest()[:KEY_BYTES], "big")


class _Slice:
    """A table of the entries of one slice of time, which begins at `base`, ms."""

    def __init__(self, base: int, capacity: int) -> None:
        self.base = base
        self.used = 0
        self._make(capacity)

    @property
    def capacity(self) -> int:
        """Places; a power of two."""
        return len(self._keys)

    def put(self, key: int, at: int, number: int) -> None:
        """Add or replace."""
        place = self.place(key)
        self.used += not self._times[place]
        self._set(place, key, at - self.base + 1, number)
        if self.used > _FULL * len(self._keys):
            self._grow()

    def place(self, key: int) -> int:
        """Where a key stands, or would stand."""
        keys, times, mask = self._keys, self._times, len(self._keys) - 1
        place = key & mask
        while times[place] and keys[place] != key:
            place = (place + 1) & mask
        return place

    def at(self, place: int) -> int | None:
        """The time of the entry at a place, ms; `None` where there is none."""
        time = self._times[place]
        return self.base + time - 1 if time else None

    def number(self, place: int) -> int:
        """The number of the entry at a place."""
        return self._numbers[place]

    def entries(self) -> Iterator[tuple[int, int]]:
        """Every key and its time, in no order."""
        for place, time in enumerate(self._times):
            if time:
                yield self._keys[place], self.base + time - 1

    def _set(self, place: int, key: int, time: int, number: int) -> None:
        self._keys[place], self._times[place], self._numbers[place] = key, time, number

    def _make(self, capacity: int) -> None:
        self._keys = array("Q", bytes(8 * capacity))
        self._times = array("I", bytes(4 * capacity))
        self._numbers = array("Q", bytes(8 * capacity))

    def _grow(self) -> None:
        keys, times, numbers = self._keys, self._times, self._numbers
        self._make(2 * len(keys))
        for old, time in enumerate(times):
            if time:
                self._set(self.place(keys[old]), keys[old], time, numbers[old])


class RecentKeys:
    """Keys of the last `span_ms`, a number (0 to 2^64 - 1) beside each; times are ms.

    Of a key that is put again the later time counts.
    """

    def __init__(self, span_ms: int) -> None:
        self._slice_ms = max(span_ms // SLICES, 1)
        self._slices: dict[int, _Slice] = {}
        self._newest_first: tuple[_Slice, ...] = ()

    def __len__(self) -> int:
        """Entries; a key that came again in another slice counts in both."""
        return sum(each.used for each in self._newest_first)

    def put(self, key: int, at: int, number: int = 0) -> None:
        """Remember a key, or remember it anew."""
        place = at // self._slice_ms
        found = self._slices.get(place)
        if found is None:
            before = self._newest_first[0].used if self._newest_first else 0
            found = self._slices[place] = _Slice(place * self._slice_ms, _capacity_for(before))
            self._arrange()
        found.put(key, at, number)

    def at(self, key: int) -> int | None:
        """When a key was seen last; `None` if it is not remembered."""
        for each in self._newest_first:
            at = each.at(each.place(key))
            if at is not None:
                return at
        return None

    def number(self, key: int) -> int | None:
        """The number beside a key; `None` if it is not remembered."""
        for each in self._newest_first:
            place = each.place(key)
            if each.at(place) is not None:
                return each.number(place)
        return None

    def forget_before(self, at: int) -> int:
        """Drop slices that lie wholly before this time; how many entries went."""
        limit = at // self._slice_ms
        return sum(self._drop(each) for each in [each for each in self._slices if each < limit])

    def forget_oldest(self) -> int:
        """Drop the oldest slice, unless it is the only one; how many entries went."""
        return self._drop(min(self._slices)) if len(self._slices) > 1 else 0

    def oldest_first(self) -> Iterator[tuple[int, int]]:
        """Every key and when it was seen."""
        for each in reversed(self._newest_first):
            yield from sorted(each.entries(), key=lambda entry: entry[1])

    def _drop(self, place: int) -> int:
        gone = self._slices.pop(place)
        self._arrange()
        return gone.used

    def _arrange(self) -> None:
        ordered = sorted(self._slices, reverse=True)
        self._newest_first = tuple(self._slices[each] for each in ordered)


def _capacity_for(entries: int) -> int:
    capacity = _LEAST
    while entries > _FULL * capacity:
        capacity *= 2
    return capacity
