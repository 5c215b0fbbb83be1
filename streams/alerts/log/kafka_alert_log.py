"""The alert service's log on a broker: one consumer in a group for the lease, one for events.

A consumer leaves its group when it is not polled for `max_poll_interval_ms`, and joins again only
when it is polled. So both waiting processes and the leader poll with each turn, with the partition
paused: alerts are read only on request. A hanging leader loses its lease that way.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from core.kafka.consumer import open_consumer
from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.librdkafka_consumer import standalone
from schemas.alert_evaluation import ALERT_PLACE, AlertEvaluation
from schemas.journal_headers import without_nulls
from schemas.topics import ALERTS
from streams.alerts.log.alert_log import AlertRecord, Read
from streams.alerts.log.event_reader import EventRecord
from streams.alerts.log.lease_times import LeaseTimes
from streams.alerts.log.topic_changes import TopicChanges

POLL_MS = 500
POLL_RECORDS = 500
FETCH_MIN_BYTES = 64 * 1024
"""Alerts are read every few seconds, so a fetch for each event would be wasted."""

METADATA_MAX_AGE_MS = 3_000
"""Time within which the group notices that the alerts' topic was deleted or created."""

SETTLE_MS = 1_000
"""Time behind the last fetch from which the events count as complete."""


class _Election(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tracks ownership of the alerts' partition, and seeks to its beginning on assignment."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.won = asyncio.Event()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Note that the partition is revoked."""
        self.won.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note that the partition is assigned, from its beginning."""
        if ALERT_PLACE in assigned:
            await self._consumer.seek_to_beginning(ALERT_PLACE)
            self._consumer.pause(ALERT_PLACE)
            self.won.set()


class KafkaAlertLog:
    """See `AlertLog`. `group` is the group of the lease; `broker_now` returns the broker's time."""

    def __init__(
        self,
        kafka: Mapping[str, Any],
        group: str,
        broker_now: Callable[[], int],
        times: LeaseTimes,
    ) -> None:
        self._kafka = dict(kafka)
        self._group = group
        self._times = times
        self._delivered: int | None = None
        self._metadata = ""
        self._broker_now = broker_now
        self._lease: AIOKafkaConsumer | None = None
        self._election: _Election | None = None
        self._events: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._reached: dict[TopicPartition, int] = {}
        self._changes = TopicChanges()

    async def start(self) -> None:
        """See `AlertLog`."""
        self._changes.forget()
        self._reached = {}
        self._lease = open_consumer(
            **self._kafka,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._times.session_ms,
            heartbeat_interval_ms=self._times.session_ms // 3,
            max_poll_interval_ms=self._times.idle_ms,
            fetch_max_wait_ms=POLL_MS,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
        )
        self._events = open_consumer(
            **self._kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_min_bytes=FETCH_MIN_BYTES,
            fetch_max_wait_ms=POLL_MS,
        )
        self._admin = AIOKafkaAdminClient(**self._kafka)
        await self._admin.start()
        await self._events.start()
        await self._lease.start()
        self._election = _Election(self._lease)
        self._lease.subscribe([ALERTS], listener=self._election)

    async def stop(self) -> None:
        """See `AlertLog`. Each connection is closed, also if another one fails."""
        async with AsyncExitStack() as stack:
            for part in (self._lease, self._events):
                if part is not None:
                    stack.push_async_callback(part.stop)
            if self._admin is not None:
                stack.push_async_callback(self._admin.close)

    async def elected(self) -> None:
        """See `AlertLog`."""
        won, lease = self._started(self._election).won, self._started(self._lease)
        while not won.is_set():
            await lease.getmany(timeout_ms=min(POLL_MS, self._times.idle_ms // 4))

    @property
    def mine(self) -> bool:
        """See `AlertLog`."""
        return self._election is not None and self._election.won.is_set()

    async def alerts(self) -> Sequence[AlertRecord]:
        """See `AlertLog`."""
        lease = self._started(self._lease)
        await self._changes.check(lease._client, {ALERTS, *(at.topic for at in self._reached)})
        end = (await lease.end_offsets([ALERT_PLACE]))[ALERT_PLACE]
        found: list[AlertRecord] = []
        while self.mine and await lease.position(ALERT_PLACE) < end:
            lease.resume(ALERT_PLACE)
            batches = await lease.getmany(ALERT_PLACE, timeout_ms=POLL_MS)
            if self.mine:
                lease.pause(ALERT_PLACE)
            found.extend(
                AlertRecord(offset=each.offset, at=each.timestamp, value=each.value or b"")
                for each in batches.get(ALERT_PLACE, ())
            )
        return found

    async def delivered_offset(self) -> int | None:
        """See `AlertLog`."""
        offset: int | None = await self._started(self._lease).committed(ALERT_PLACE)
        self._delivered = offset
        return offset

    async def commit_delivered(self, offset: int) -> None:
        """See `AlertLog`."""
        await self._started(self._lease).commit({ALERT_PLACE: (offset, self._metadata)})
        self._delivered = offset

    async def evaluated(self, evaluation: AlertEvaluation) -> None:
        """See `AlertLog`."""
        self._metadata = evaluation.encode()
        if self._delivered is not None:
            await self.commit_delivered(self._delivered)

    async def topics(self) -> frozenset[str]:
        """See `AlertLog`."""
        return frozenset(await self._started(self._admin).list_topics())

    async def follow(self, topics: Collection[str], since: int) -> None:
        """See `AlertLog`."""
        events = self._started(self._events)
        described = await self._started(self._admin).describe_topics(sorted(topics))
        places = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        events.assign(places)
        self._reached = dict.fromkeys(places, since)
        if not places:
            return
        found = await events.offsets_for_times(dict.fromkeys(places, since))
        ends = await events.end_offsets(places)
        for place in places:
            at = found.get(place)
            events.seek(place, ends[place] if at is None else at.offset)

    async def read(self) -> Read:
        """See `AlertLog`."""
        events = self._started(self._events)
        await self._started(self._lease).getmany(timeout_ms=0)
        if not self._reached:
            await asyncio.sleep(POLL_MS / 1000)
            return Read(records=(), frontier=self._broker_now())
        batches = await events.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        records: list[EventRecord] = []
        for place, batch in batches.items():
            self._reached[place] = batch[-1].timestamp
            records.extend(
                EventRecord(
                    topic=place.topic,
                    partition=place.partition,
                    offset=each.offset,
                    at=each.timestamp,
                    key=each.key or b"",
                    headers=without_nulls(each.headers),
                    value=each.value or b"",
                )
                for each in batch
            )
        return Read(records=records, frontier=await self._frontier(events))

    async def lag(self, groups: Collection[str]) -> Mapping[tuple[str, str], int]:
        """See `AlertLog`."""
        admin, events = self._started(self._admin), self._started(self._events)
        behind: dict[tuple[str, str], int] = defaultdict(int)
        for group in groups:
            committed = await admin.list_consumer_group_offsets(group)
            ends = await events.end_offsets(list(committed)) if committed else {}
            for place, found in committed.items():
                behind[group, place.topic] += max(ends[place] - found.offset, 0)
        return behind

    async def _frontier(self, events: AIOKafkaConsumer) -> int | None:
        """Return the minimum over partitions of what was read: the last fetch at the end, else the
        last record.
        """
        now = self._broker_now()
        ahead = now - time.time() * 1000
        frontier: float | None = None
        for place, reached in self._reached.items():
            end, polled = events.last_stable_offset(place), events.last_poll_timestamp(place)
            if end is None or polled is None:
                return None
            drained = await events.position(place) >= end
            # A fetch from before this machine's clock was set back would be in the future.
            until = min(polled + ahead, now) - SETTLE_MS if drained else reached
            frontier = until if frontier is None else min(frontier, until)
        return None if frontier is None else int(frontier)

    @staticmethod
    def _started(part: Any) -> Any:
        if part is None:
            raise RuntimeError("the alert log is not started")
        return part


async def read_alerts(librdkafka: Mapping[str, Any], since: int) -> Sequence[AlertRecord]:
    """Return all alerts from a broker time (ms) to the end of the topic. Raises as
    `StandaloneConsumer`.
    """
    async with standalone(librdkafka) as consumer:
        ends = await consumer.ends([ALERT_PLACE])
        consumer.assign(await consumer.offsets_at({ALERT_PLACE: since}))
        return [
            AlertRecord(offset=each.offset, at=each.timestamp, value=each.value or b"")
            async for records in read_until(consumer, ends)
            for each in records
        ]
