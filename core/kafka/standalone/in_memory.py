"""In-memory twin of the standalone consumer, and the topics that it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord
from schemas.errors import KafkaAwayError, SluiceError, TopicError


@dataclass(slots=True)
class InMemoryPartition:
    """The records of a partition, and its first and end offset."""

    begin: int = 0
    end: int = 0
    records: list[FetchedRecord] = field(default_factory=list)


class InMemoryTopics:
    """Topics in memory. `fault` is what queries and reads raise; `commits` are those of all groups,
    by group and partition.
    """

    def __init__(self) -> None:
        self._topics: dict[str, list[InMemoryPartition]] = {}
        self._changed: set[asyncio.Event] = set()
        self.fault: SluiceError | None = None
        self.commits: dict[tuple[str, TopicPartition], int] = {}

    def create(self, topic: str, partitions: int = 1) -> None:
        """Create a topic, or add partitions to it."""
        known = self._topics.setdefault(topic, [])
        known.extend(InMemoryPartition() for _ in range(partitions - len(known)))

    def delete(self, topic: str) -> None:
        """Delete a topic with its records."""
        self._topics.pop(topic, None)

    def append(
        self,
        place: TopicPartition,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        at: int = 0,
    ) -> int:
        """Append a record with this broker time, ms; return its offset."""
        found = self.partition(place)
        record = FetchedRecord(
            place.topic, place.partition, found.end, at, 1, key, value, tuple(headers)
        )
        found.records.append(record)
        found.end += 1
        self.notify()
        return record.offset

    def append_marker(self, place: TopicPartition) -> None:
        """Append what is no record, such as the marker of a transaction."""
        self.partition(place).end += 1
        self.notify()

    def delete_before(self, place: TopicPartition, offset: int) -> None:
        """Delete records, as retention does."""
        found = self.partition(place)
        found.begin = offset
        found.records = [each for each in found.records if each.offset >= offset]

    def fail(self, fault: SluiceError | None) -> None:
        """Raise this error from now on."""
        self.fault = fault
        self.notify()

    def partition(self, place: TopicPartition) -> InMemoryPartition:
        """Return a partition.

        Raises:
            TopicError: it does not exist.
        """
        partitions = self._topics.get(place.topic, [])
        number: int = place.partition
        if number >= len(partitions):
            raise TopicError(f"{place.topic}:{number} does not exist")
        return partitions[number]

    def count(self, topic: str) -> int:
        """Return the number of partitions; 0 without the topic."""
        return len(self._topics.get(topic, ()))

    def watch(self, changed: asyncio.Event) -> None:
        """Set this event at each change."""
        self._changed.add(changed)

    def forget(self, changed: asyncio.Event) -> None:
        """Set this event no more."""
        self._changed.discard(changed)

    def notify(self) -> None:
        """Wake all consumers."""
        for each in self._changed:
            each.set()


class InMemoryConsumer:
    """`StandaloneConsumer` of topics in memory."""

    def __init__(self, topics: InMemoryTopics, *, group: str = "") -> None:
        self._topics = topics
        self._group = group
        self._positions: dict[TopicPartition, int] = {}
        self._changed = asyncio.Event()
        self._is_closed = False
        topics.watch(self._changed)

    async def partitions(self, topic: str) -> int:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        count = self._topics.count(topic)
        if not count:
            raise TopicError(f"{topic} does not exist")
        return count

    async def counts(self, topics: Collection[str]) -> Mapping[str, int]:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        return {topic: self._topics.count(topic) for topic in topics}

    async def begins(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        return {place: self._topics.partition(place).begin for place in places}

    async def ends(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        return {place: self._topics.partition(place).end for place in places}

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        found = {}
        for place, at in times.items():
            log = self._topics.partition(place)
            later = (each.offset for each in log.records if each.timestamp >= at)
            found[place] = next(later, log.end)
        return found

    async def committed(
        self, places: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int | None]:
        """See `StandaloneConsumer`."""
        self._raise_fault()
        return {place: self._topics.commits.get((self._group, place)) for place in places}

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `StandaloneConsumer`."""
        self._positions = dict(positions)
        self._changed.set()

    async def read(
        self, *, timeout_s: float | None = None, most: int | None = None
    ) -> Sequence[FetchedRecord]:
        """See `StandaloneConsumer`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    self._changed.clear()
                    self._raise_fault()
                    before = dict(self._positions)
                    if (found := self._take(most)) or self._positions != before:
                        return found
                    await self._changed.wait()
        return []

    def position(self, place: TopicPartition) -> int:
        """See `StandaloneConsumer`."""
        return self._positions[place]

    async def close(self) -> None:
        """See `StandaloneConsumer`."""
        self._is_closed = True
        self._topics.forget(self._changed)

    def _take(self, most: int | None) -> list[FetchedRecord]:
        taken: list[FetchedRecord] = []
        for place, position in self._positions.items():
            if place.partition >= self._topics.count(place.topic):
                continue  # It is read once it exists.
            log = self._topics.partition(place)
            start = position if log.begin <= position <= log.end else log.begin
            unread = [each for each in log.records if each.offset >= start]
            room = len(unread) if most is None else most - len(taken)
            taken.extend(unread[:room])
            if len(unread) <= room:
                self._positions[place] = log.end
            elif room:
                self._positions[place] = taken[-1].offset + 1
        return taken

    def _raise_fault(self) -> None:
        if self._is_closed:
            raise KafkaAwayError("the consumer is closed")
        if self._topics.fault is not None:
            raise self._topics.fault
