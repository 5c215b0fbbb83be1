"""Reading of the journal's topics: the port and its Kafka adapter.

A worker reads the outcomes topic of an assigned partition from before its oldest unfinished work to
the end offset at assignment, and follows it from there. It reads the cost topic only to find out
whether a started call is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from core.kafka.consumer import open_consumer
from schemas.journal_headers import CALL_ID, CUT_OFF, Headers, header_values, without_nulls
from schemas.topics import COST, OUTCOMES

_POLL_MS = 200
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
    """The journal's topics on a broker. Commits of `group` on `work_topics` count."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        librdkafka: Mapping[str, Any],
        group: str,
        work_topics: Iterable[str],
    ) -> None:
        self._settings = dict(settings)
        self._librdkafka = librdkafka
        self._group = group
        self._work_topics = tuple(work_topics)
        self._follower: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect the follower."""
        self._follower = self._consumer(librdkafka=self._librdkafka, fetch_max_wait_ms=_POLL_MS)
        await self._follower.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._follower is not None:
            await self._follower.stop()

    async def oldest_unfinished(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        wanted = [
            TopicPartition(topic, partition)
            for topic in self._work_topics
            for partition in partitions
        ]
        consumer = self._consumer(group_id=self._group, fetch_max_wait_ms=_POLL_MS)
        await consumer.start()
        try:
            consumer.assign(wanted)
            ends = await consumer.end_offsets(wanted)
            starts = await consumer.beginning_offsets(wanted)
            pending: dict[TopicPartition, int] = {}
            for place in wanted:
                position = max(await consumer.committed(place) or 0, starts[place])
                if position < ends[place]:
                    pending[place] = position
            return await self._first_times(consumer, pending, ends)
        finally:
            await consumer.stop()

    async def _first_times(
        self,
        consumer: AIOKafkaConsumer,
        pending: dict[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> Mapping[int, int]:
        """Return the broker time of the first record after each position. A partition may have
        none, only records that were never committed.
        """
        oldest: dict[int, int] = {}
        if not pending:
            return oldest
        consumer.assign(list(pending))
        for place, position in pending.items():
            consumer.seek(place, position)
        while pending:
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
            for place, records in batches.items():
                if records and pending.pop(place, None) is not None:
                    known = oldest.get(place.partition, records[0].timestamp)
                    oldest[place.partition] = min(known, records[0].timestamp)
                    consumer.pause(place)
            for place in list(pending):
                if await consumer.position(place) >= ends[place]:
                    del pending[place]
        return oldest

    async def offsets_at(self, times: Mapping[int, int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        return await self._offsets_at(self._connected(), OUTCOMES, times)

    async def _offsets_at(
        self, consumer: AIOKafkaConsumer, topic: str, times: Mapping[int, int]
    ) -> Mapping[int, int]:
        wanted = {TopicPartition(topic, partition): at for partition, at in times.items()}
        found = await consumer.offsets_for_times(wanted)
        ends = await consumer.end_offsets(list(wanted))
        return {
            place.partition: ends[place] if found[place] is None else found[place].offset
            for place in wanted
        }

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        places = [TopicPartition(OUTCOMES, partition) for partition in partitions]
        found = await self._connected().end_offsets(places)
        return {place.partition: offset for place, offset in found.items()}

    async def follow(self, positions: Mapping[int, int]) -> None:
        """See `JournalLog`."""
        consumer = self._connected()
        consumer.assign([TopicPartition(OUTCOMES, partition) for partition in positions])
        for partition, offset in positions.items():
            consumer.seek(TopicPartition(OUTCOMES, partition), offset)

    async def read(self) -> Sequence[JournalRecord]:
        """See `JournalLog`."""
        batches = await self._connected().getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        return [
            JournalRecord(
                partition=place.partition,
                offset=record.offset,
                at=record.timestamp,
                key=record.key or b"",
                headers=without_nulls(record.headers),
                value=record.value or b"",
            )
            for place, records in batches.items()
            for record in records
        ]

    def partition_of(self, identity: bytes) -> int:
        """See `JournalLog`."""
        count = len(self._connected().partitions_for_topic(OUTCOMES) or (0,))
        return int(murmur2(identity) & 0x7FFFFFFF) % count

    async def booked_calls(self, since: Mapping[int, int]) -> Mapping[str, bool]:
        """See `JournalLog`."""
        consumer = self._consumer(fetch_max_wait_ms=_POLL_MS)
        await consumer.start()
        try:
            return await self._call_ids(consumer, since)
        finally:
            await consumer.stop()

    async def _call_ids(
        self, consumer: AIOKafkaConsumer, since: Mapping[int, int]
    ) -> Mapping[str, bool]:
        positions = await self._offsets_at(consumer, COST, since)
        places = [TopicPartition(COST, partition) for partition in since]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, positions[place.partition])
        unread = {place for place in places if positions[place.partition] < ends[place]}
        found: dict[str, bool] = {}
        while unread:
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
            for records in batches.values():
                for record in records:
                    booking = booking_of(record.headers)
                    if booking is not None:
                        found[booking[0]] = booking[1] or found.get(booking[0], False)
            for place in list(unread):
                # The last offsets may be transaction markers, which are no records.
                if await consumer.position(place) >= ends[place]:
                    unread.discard(place)
        return found

    def _consumer(self, **settings: Any) -> AIOKafkaConsumer:
        return open_consumer(
            **self._settings, enable_auto_commit=False, auto_offset_reset="earliest", **settings
        )

    def _connected(self) -> AIOKafkaConsumer:
        if self._follower is None:
            raise RuntimeError("the journal's log is not started")
        return self._follower
