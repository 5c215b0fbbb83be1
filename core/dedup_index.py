"""Packed deduplication index: 8-byte keys, each with a time and a number.

Request ids are deduplicated for 15 minutes after the terminal outcome, so workers and sinks keep
every id for that time. A dictionary entry takes 120 to 460 bytes (measured), and a process under
steady load grows for 15 minutes. Here a table slot takes 20 bytes: open addressing with linear
probing (Knuth, TAOCP 3, 6.4, algorithm L).

Entries are grouped into time slices, each a table that is dropped as a whole. No entry is moved on
deletion, and no lookup waits for a sweep. A new slice has the size that the previous one needed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import sha256

KEY_BYTES = 8
SLICES = 3
"""Slices of a span. Each adds 1 µs to the lookup of an unknown key, and entries expire up to one
slice late.
"""

_LEAST = 64
_FULL = 0.75


def packed_key(value: bytes) -> int:
    """Return the first eight bytes of SHA-256 as a number.

    The probability that two of a million live keys collide is 3e-8. ClickHouse computes the same
    value.
    """
    return int.from_bytes(sha256(value).digest()[:KEY_BYTES], "big")


class _Slice:
    """A table of the entries of one time slice, which begins at `base`, ms."""

    def __init__(self, base: int, capacity: int) -> None:
        self.base = base
        self.used = 0
        self._make(capacity)

    @property
    def capacity(self) -> int:
        """Return the number of slots; a power of two."""
        return len(self._keys)

    def put(self, key: int, at: int, number: int) -> None:
        """Add or replace an entry."""
        place = self.place(key)
        self.used += not self._times[place]
        self._set(place, key, at - self.base + 1, number)
        if self.used > _FULL * len(self._keys):
            self._grow()

    def place(self, key: int) -> int:
        """Return the slot of a key, or the free slot for it."""
        keys, times, mask = self._keys, self._times, len(self._keys) - 1
        place = key & mask
        while times[place] and keys[place] != key:
            place = (place + 1) & mask
        return place

    def at(self, place: int) -> int | None:
        """Return the time of the entry in a slot, ms; `None` if the slot is free."""
        time = self._times[place]
        return self.base + time - 1 if time else None

    def number(self, place: int) -> int:
        """Return the number of the entry in a slot."""
        return self._numbers[place]

    def entries(self) -> Iterator[tuple[int, int]]:
        """Yield every key and its time, unordered."""
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
    """Keys of the last `span_ms`, each with a number (0 to 2^64 - 1); times are ms.

    If a key is put again, the later time counts.
    """

    def __init__(self, span_ms: int) -> None:
        self._slice_ms = max(span_ms // SLICES, 1)
        self._slices: dict[int, _Slice] = {}
        self._newest_first: tuple[_Slice, ...] = ()

    def __len__(self) -> int:
        """Return the number of entries; a key in two slices counts twice."""
        return sum(each.used for each in self._newest_first)

    def put(self, key: int, at: int, number: int = 0) -> None:
        """Add a key, or update it."""
        place = at // self._slice_ms
        found = self._slices.get(place)
        if found is None:
            before = self._newest_first[0].used if self._newest_first else 0
            found = self._slices[place] = _Slice(place * self._slice_ms, _capacity_for(before))
            self._arrange()
        found.put(key, at, number)

    def at(self, key: int) -> int | None:
        """Return the time of a key's latest entry; `None` if it is not in the index."""
        for each in self._newest_first:
            at = each.at(each.place(key))
            if at is not None:
                return at
        return None

    def number(self, key: int) -> int | None:
        """Return the number of a key; `None` if it is not in the index."""
        for each in self._newest_first:
            place = each.place(key)
            if each.at(place) is not None:
                return each.number(place)
        return None

    def forget_before(self, at: int) -> int:
        """Drop slices that end before this time; return the number of dropped entries."""
        limit = at // self._slice_ms
        return sum(self._drop(each) for each in [each for each in self._slices if each < limit])

    def forget_oldest(self) -> int:
        """Drop the oldest slice, unless it is the only one; return the dropped entries."""
        return self._drop(min(self._slices)) if len(self._slices) > 1 else 0

    def oldest_first(self) -> Iterator[tuple[int, int]]:
        """Yield every key and its time, oldest slice first."""
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
