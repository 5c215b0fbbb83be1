"""Reading of the journal's topics: the port and its Kafka adapter.

A worker reads the outcomes topic of an assigned partition from before its oldest unfinished work to
the end offset at assignment, and follows it from there. It reads the cost topic only to find out
whether a started call is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.partitioner import murmur2

from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer, standalone
from core.kafka.standalone.port import StandaloneConsumer
from schemas.journal_headers import CALL_ID, CUT_OFF, Headers, header_values, without_nulls
from schemas.topics import COST, OUTCOMES

_WAIT_S = 0.2
_BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One record of the outcomes topic, undecoded; `at` is broker time, ms."""

    partition: int
    offset: int
    at: int
    key: bytes
    headers: Headers
    value: bytes


class JournalLog(Protocol):
    """The outcomes and cost topics, as the journal reads them."""

    async def oldest_unfinished(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the broker time (ms) of the oldest uncommitted tier message, if there is one."""
        ...

    async def offsets_at(self, times: Mapping[int, int]) -> Mapping[int, int]:
        """Return the first outcomes offset at or after a broker time by partition, else the end."""
        ...

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the end offsets of the outcomes topic."""
        ...

    async def follow(self, positions: Mapping[int, int]) -> None:
        """Read only these partitions from now on, from these offsets."""
        ...

    async def read(self) -> Sequence[JournalRecord]:
        """Return new records; empty after a short wait without any."""
        ...

    def partition_of(self, identity: bytes) -> int:
        """Return the partition that holds the records of a request."""
        ...

    async def booked_calls(self, since: Mapping[int, int]) -> Mapping[str, bool]:
        """Return ids of all calls recorded in these partitions of the cost topic since a broker
        time, ms.

        The value is true for a call that its own worker recorded as interrupted in an orderly
        shutdown.
        """
        ...


def booking_of(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str, bool] | None:
    """Return the call id of a cost event, and whether it is marked as cut off; `None` without an
    id.
    """
    found = header_values(headers)
    call_id = found.get(CALL_ID)
    return (call_id.decode(errors="replace"), CUT_OFF in found) if call_id else None


class KafkaJournalLog:
    """The journal's topics on a broker. Commits of `group` on `work_topics` count. Queries have a
    consumer of their own: a broker answers them after the fetch that waits on the same connection.
    """

    def __init__(
        self, librdkafka: Mapping[str, Any], group: str, work_topics: Iterable[str]
    ) -> None:
        self._librdkafka = librdkafka
        self._group = group
        self._work_topics = tuple(work_topics)
        self._follower: LibrdkafkaConsumer | None = None
        self._partitions = 1

    async def start(self) -> None:
        """Connect the follower."""
        self._follower = LibrdkafkaConsumer(self._librdkafka)

    async def stop(self) -> None:
        """Disconnect."""
        if self._follower is not None:
            await self._follower.close()

    async def oldest_unfinished(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        async with standalone(self._librdkafka, group=self._group) as consumer:
            return await first_uncommitted(consumer, self._work_topics, partitions)

    async def offsets_at(self, times: Mapping[int, int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        wanted = {TopicPartition(OUTCOMES, partition): at for partition, at in times.items()}
        async with standalone(self._librdkafka) as consumer:
            found = await consumer.offsets_at(wanted)
        return {place.partition: offset for place, offset in found.items()}

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        places = [TopicPartition(OUTCOMES, partition) for partition in partitions]
        async with standalone(self._librdkafka) as consumer:
            self._partitions = await consumer.partitions(OUTCOMES)
            found = await consumer.ends(places)
        return {place.partition: offset for place, offset in found.items()}

    async def follow(self, positions: Mapping[int, int]) -> None:
        """See `JournalLog`."""
        self._connected().assign(
            {TopicPartition(OUTCOMES, number): offset for number, offset in positions.items()}
        )

    async def read(self) -> Sequence[JournalRecord]:
        """See `JournalLog`."""
        records = await self._connected().read(timeout_s=_WAIT_S, most=_BATCH)
        return [
            JournalRecord(
                partition=record.partition,
                offset=record.offset,
                at=record.timestamp,
                key=record.key or b"",
                headers=without_nulls(record.headers),
                value=record.value or b"",
            )
            for record in records
        ]

    def partition_of(self, identity: bytes) -> int:
        """See `JournalLog`."""
        return int(murmur2(identity) & 0x7FFFFFFF) % self._partitions

    async def booked_calls(self, since: Mapping[int, int]) -> Mapping[str, bool]:
        """See `JournalLog`."""
        async with standalone(self._librdkafka) as consumer:
            return await call_ids(
                consumer, {TopicPartition(COST, number): at for number, at in since.items()}
            )

    def _connected(self) -> LibrdkafkaConsumer:
        if self._follower is None:
            raise RuntimeError("the journal's log is not started")
        return self._follower


async def first_uncommitted(
    consumer: StandaloneConsumer, topics: Iterable[str], partitions: Collection[int]
) -> Mapping[int, int]:
    """Return the broker time of the first record that the consumer's group has not committed, by
    partition. A partition may have none, only markers that were never committed. A topic that was
    deleted, or recreated with fewer partitions, has no unfinished work there.
    """
    counts = await consumer.counts(tuple(topics))
    wanted = [
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in partitions
        if number < count
    ]
    ends, begins = await consumer.ends(wanted), await consumer.begins(wanted)
    committed = await consumer.committed(wanted)
    pending = {
        place: position
        for place in wanted
        if (position := max(committed[place] or 0, begins[place])) < ends[place]
    }
    oldest: dict[int, int] = {}
    while pending:
        consumer.assign(pending)
        times: dict[TopicPartition, int] = {}
        rest = read_until(consumer, {place: ends[place] for place in pending})
        async with aclosing(rest) as batches:
            async for records in batches:
                for record in records:
                    place = TopicPartition(record.topic, record.partition)
                    times.setdefault(place, record.timestamp)
                break  # The rest of these partitions is not of interest.
        for place, at in times.items():
            oldest[place.partition] = min(oldest.get(place.partition, at), at)
        pending = {
            place: position
            for place in pending.keys() - times.keys()
            if (position := consumer.position(place)) < ends[place]
        }
    return oldest


async def call_ids(
    consumer: StandaloneConsumer, since: Mapping[TopicPartition, int]
) -> Mapping[str, bool]:
    """Return what `JournalLog.booked_calls` does, of these partitions."""
    positions, ends = await consumer.offsets_at(since), await consumer.ends(since)
    consumer.assign(positions)
    found: dict[str, bool] = {}
    async for records in read_until(consumer, ends):
        for record in records:
            booking = booking_of(record.headers)
            if booking is not None:
                found[booking[0]] = booking[1] or found.get(booking[0], False)
    return found
