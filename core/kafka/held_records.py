"""Records that were fetched and not consumed yet, by partition. Pure.

A partition that holds too much must be paused, and may be resumed when most of it is consumed.
Partitions are served in turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord

MOST_RECORDS = 2_000
MOST_BYTES = 4 * 1024 * 1024
"""Records, and bytes of keys and values, of one partition; more of either make it full."""

_LOW = 4
"""A partition is low again at this part of the maximum."""


@dataclass(slots=True)
class _Partition:
    next_offset: int
    records: deque[FetchedRecord] = field(default_factory=deque)
    bytes: int = 0
    is_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Consumed records of a partition, the position after them, and whether it is low again."""

    records: Sequence[FetchedRecord]
    position: int
    is_low_again: bool


class HeldRecords:
    """The held records of one consumer."""

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._nonempty: dict[TopicPartition, None] = {}

    def __contains__(self, place: TopicPartition) -> bool:
        return place in self._partitions

    def begin(self, place: TopicPartition, offset: int) -> None:
        """Hold records of a partition from this offset on."""
        self._partitions[place] = _Partition(offset)

    def drop(self, place: TopicPartition) -> None:
        """Forget a partition and its records."""
        self._partitions.pop(place, None)
        self._nonempty.pop(place, None)

    def clear(self) -> None:
        """Forget all partitions."""
        self._partitions.clear()
        self._nonempty.clear()

    def next_offset(self, place: TopicPartition) -> int:
        """Return the offset after the held records."""
        return self._partitions[place].next_offset

    def is_empty(self, place: TopicPartition) -> bool:
        """Return whether no record of the partition is held."""
        return not self._partitions[place].records

    def resumed(self, place: TopicPartition) -> None:
        """Note that fetching continues, whatever is held."""
        self._partitions[place].is_full = False

    def add(
        self, place: TopicPartition, records: Sequence[FetchedRecord], next_offset: int
    ) -> bool:
        """Add records in order; return whether the partition is full now and was not before."""
        held = self._partitions[place]
        if records:
            held.records.extend(records)
            held.bytes += _size_of(records)
            self._nonempty[place] = None
        held.next_offset = max(held.next_offset, next_offset)
        became_full = not held.is_full and (
            len(held.records) > MOST_RECORDS or held.bytes > MOST_BYTES
        )
        held.is_full = held.is_full or became_full
        return became_full

    def take(
        self, is_wanted: Callable[[TopicPartition], bool], most: int | None
    ) -> dict[TopicPartition, Taken]:
        """Consume at most this number of records of the wanted partitions."""
        found: dict[TopicPartition, Taken] = {}
        left = most
        for place in [place for place in self._nonempty if is_wanted(place)]:
            if left is not None and left <= 0:
                break
            held = self._partitions[place]
            records = _first(held, left)
            del self._nonempty[place]
            if held.records:
                # The next call begins with another partition.
                self._nonempty[place] = None
            is_low_again = held.is_full and (
                len(held.records) <= MOST_RECORDS // _LOW and held.bytes <= MOST_BYTES // _LOW
            )
            held.is_full = held.is_full and not is_low_again
            found[place] = Taken(
                records=records,
                position=records[-1].offset + 1 if held.records else held.next_offset,
                is_low_again=is_low_again,
            )
            left = None if left is None else left - len(records)
        return found


def _first(held: _Partition, most: int | None) -> list[FetchedRecord]:
    if most is None or len(held.records) <= most:
        records = list(held.records)
        held.records.clear()
        held.bytes = 0
        return records
    records = [held.records.popleft() for _ in range(most)]
    held.bytes -= _size_of(records)
    return records


def _size_of(records: Iterable[FetchedRecord]) -> int:
    return sum(len(record.value or b"") + len(record.key or b"") for record in records)
