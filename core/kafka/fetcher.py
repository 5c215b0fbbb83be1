"""Fetcher of aiokafka consumers that gets its records from librdkafka.

aiokafka stays the client for group membership, commits, offset queries, positions and pauses. Only
its fetch loop is replaced, which was most of the CPU of a consumer (`core.kafka.fetch_thread`).

Each new assignment, seek and reset begins a generation: all partitions are assigned to the source
again, each from the offset after its held records. Records of earlier generations are dropped. A
record that librdkafka cannot read (a header name that is not UTF-8) is read by aiokafka.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, OffsetResetStrategy
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from confluent_kafka import KafkaError as LibrdkafkaError

from core.kafka.fetch_source import Batch, FetchSource, PartitionBatch
from core.kafka.held_records import HeldRecords
from core.kafka.single_record import read_one

log = logging.getLogger(__name__)

Records = dict[TopicPartition, Any]
Arrived = Callable[[int, Batch], None]

RETRY_S = 0.1
ERROR_RETRY_S = 1.0
_WAIT_S = 1.0


class LibrdkafkaFetcher(Fetcher):  # type: ignore[misc]
    """See the module. `open_source` receives the callback for batches; the rest is aiokafka's."""

    def __init__(
        self, *arguments: Any, open_source: Callable[[Arrived], FetchSource], **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self._wait_consume_future = self._loop.create_future()
        self._held = HeldRecords()
        self._errors: dict[TopicPartition, KafkaError] = {}
        self._unreadable: dict[TopicPartition, int] = {}
        self._assignment: Any = None
        self._generation = 0
        self._is_outdated = False
        self._source = open_source(self._arrived)

    async def close(self) -> None:
        """See aiokafka's `Fetcher.close`."""
        await super().close()
        await self._source.close()

    def highwater(self, place: TopicPartition) -> int | None:
        """See `FetchSource.highwater`."""
        return self._source.highwater(place)

    def seek_to(self, tp: TopicPartition, offset: int) -> None:
        """See aiokafka's `Fetcher.seek_to`."""
        super().seek_to(tp, offset)
        self._read_again(tp)

    def request_offset_reset(self, tps: Collection[TopicPartition], strategy: int) -> Any:
        """See aiokafka's `Fetcher.request_offset_reset`."""
        positions = super().request_offset_reset(tps, strategy)
        for tp in tps:
            self._read_again(tp)
        return positions

    async def next_record(self, partitions: Collection[TopicPartition]) -> Any:
        """See aiokafka's `Fetcher.next_record`."""
        while True:
            if self._closed:
                raise ConsumerStoppedError
            found = await self.fetched_records(partitions, timeout=_WAIT_S, max_records=1)
            for records in found.values():
                return records[0]

    async def fetched_records(
        self,
        partitions: Collection[TopicPartition],
        timeout: float = 0,  # noqa: ASYNC109 - aiokafka's signature
        max_records: int | None = None,
    ) -> Records:
        """See aiokafka's `Fetcher.fetched_records`."""
        end = time.monotonic() + timeout
        while True:
            self._raise_failure()
            if self._subscriptions.reassignment_in_progress:
                await self._subscriptions.wait_for_assignment()
            found = self._take(partitions, max_records)
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            waiter = self._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=left)
            if not done or self._closed:
                waiter.cancel()
                return {}
            waiter.result()

    def _raise_failure(self) -> None:
        """Raise what ended the fetching, if anything did."""
        if (failure := self._source.failure) is not None:
            raise KafkaError(f"fetching failed: {failure}") from failure
        if self._fetch_task.done():
            self._fetch_task.result()
            raise ConsumerStoppedError

    def _take(self, partitions: Collection[TopicPartition], most: int | None) -> Records:
        assignment = self._assignment
        if assignment is None or not assignment.active:
            return {}

        def is_wanted(tp: TopicPartition) -> bool:
            return (not partitions or tp in partitions) and not assignment.state_value(tp).paused

        taken = self._held.take(is_wanted, most)
        for place, each in taken.items():
            assignment.state_value(place).consumed_to(each.position)
        if low := [place for place, each in taken.items() if each.is_low_again]:
            self._source.resume(low)
        if self._unreadable:
            self._notify(self._wait_consume_future)
        if not taken:
            self._raise_error(partitions)
        return {place: each.records for place, each in taken.items()}

    def _raise_error(self, partitions: Collection[TopicPartition]) -> None:
        for place in list(self._errors):
            if (not partitions or place in partitions) and self._is_consumed(place):
                error = self._errors.pop(place)
                self._loop.call_later(ERROR_RETRY_S, self._read_again, place)
                raise error

    def _is_consumed(self, place: TopicPartition) -> bool:
        return place not in self._held or self._held.is_empty(place)

    def _arrived(self, generation: int, batch: Batch) -> None:
        self._source.taken()
        assignment = self._assignment
        if generation != self._generation or assignment is None or not assignment.active:
            return
        now_ms = int(time.time() * 1000)
        full = []
        for place, found in batch.items():
            if place not in self._held:
                continue  # It is read again from its position.
            state = assignment.state_value(place)
            state.timestamp = now_ms
            if self._held.add(place, found.records, found.next_offset):
                full.append(place)
            if self._held.is_empty(place):
                # Removed records and transaction markers were passed.
                state.consumed_to(self._held.next_offset(place))
            self._stopped(place, found, state)
        if full:
            self._source.pause(full)
        self._wake()

    def _stopped(self, place: TopicPartition, found: PartitionBatch, state: Any) -> None:
        """Note why the source reads a partition no further."""
        if found.unreadable is not None:
            self._unreadable[place] = found.unreadable
            self._notify(self._wait_consume_future)
        if found.error is None:
            return
        if found.error.code() == LibrdkafkaError.TOPIC_AUTHORIZATION_FAILED:
            self._errors[place] = TopicAuthorizationFailedError(place.topic)
        elif self._default_reset_strategy == OffsetResetStrategy.NONE:
            self._errors[place] = OffsetOutOfRangeError({place: self._held.next_offset(place)})
        else:
            log.info("%s:%d: the position is out of range and is reset", *place)
            state.await_reset(self._default_reset_strategy)
            self._read_again(place)

    def _set_error(self, tp: TopicPartition, error: KafkaError) -> None:
        self._errors[tp] = error

    def _read_again(self, place: TopicPartition) -> None:
        """Read a partition again from its position."""
        self._held.drop(place)
        self._errors.pop(place, None)
        self._unreadable.pop(place, None)
        self._is_outdated = True
        self._notify(self._wait_consume_future)

    def _wake(self) -> None:
        for waiter in list(self._fetch_waiters):
            self._notify(waiter)

    async def _fetch_requests_routine(self) -> None:
        """Keep the source assigned as the consumer is, until cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                self._wait_consume_future = self._loop.create_future()
                try:
                    retry_s = await self._follow()
                except KafkaError as error:
                    log.warning("cannot determine positions, retrying: %s", error)
                    retry_s = RETRY_S
                if self._assignment is None:
                    continue
                events = {self._wait_consume_future, self._assignment.unassign_future}
                await asyncio.wait(events, timeout=retry_s, return_when=asyncio.FIRST_COMPLETED)

    async def _follow(self) -> float | None:
        """Bring the source up to date; return when to look again, in s."""
        assignment = await self._assigned()
        unknown = _without_position(assignment)
        if unknown:
            await self._find_positions(assignment, unknown)
            if self._errors:
                self._wake()
        for place, offset in list(self._unreadable.items()):
            if assignment.active and self._is_consumed(place):
                await self._read_by_aiokafka(assignment, place, offset)
        if not assignment.active:
            return 0.0
        if self._is_outdated or len(_without_position(assignment)) < len(unknown):
            self._begin(assignment)
        return RETRY_S if unknown or self._unreadable else None

    async def _assigned(self) -> Any:
        """Return the active assignment, once there is one."""
        if self._assignment is not None and not self._assignment.active:
            self._assignment = None
            self._held.clear()
            self._errors.clear()
            self._unreadable.clear()
            self._generation += 1
            self._source.assign(self._generation, {})
        while self._assignment is None:
            subscription = self._subscriptions.subscription
            if subscription is not None and subscription.assignment is not None:
                self._assignment = subscription.assignment
                self._is_outdated = True
                break
            with suppress(KafkaError):
                # The consumer's caller receives it.
                await self._subscriptions.wait_for_assignment()
        return self._assignment

    async def _find_positions(self, assignment: Any, places: Collection[TopicPartition]) -> None:
        by_leader: dict[int, list[TopicPartition]] = defaultdict(list)
        for place in places:
            leader = self._client.cluster.leader_for_partition(place)
            if leader is not None and leader != -1:
                by_leader[leader].append(place)
        if not by_leader:
            await self._client.force_metadata_update()
        for leader, led in by_leader.items():
            if assignment.active:
                await self._update_fetch_positions(assignment, leader, led)

    def _begin(self, assignment: Any) -> None:
        """Begin a generation. Partitions without a position follow in a later one."""
        offsets = {}
        for place in assignment.tps:
            state = assignment.state_value(place)
            if not state.has_valid_position:
                self._held.drop(place)
                continue
            if place not in self._held:
                self._held.begin(place, state.position)
            self._held.resumed(place)
            offsets[place] = self._held.next_offset(place)
        self._unreadable.clear()
        self._is_outdated = False
        self._generation += 1
        self._source.assign(self._generation, offsets)

    async def _read_by_aiokafka(self, assignment: Any, place: TopicPartition, offset: int) -> None:
        """Read one record with aiokafka; reading goes on after it."""
        try:
            found = await read_one(self._client, place, offset, self._isolation_level)
        except KafkaError as error:
            log.warning("%s:%d: cannot read offset %d, retrying: %s", *place, offset, error)
            return
        if not assignment.active or self._unreadable.get(place) != offset:
            return
        self._held.add(place, found, offset + 1)
        self._is_outdated = True
        self._wake()


def _without_position(assignment: Any) -> list[TopicPartition]:
    return [tp for tp in assignment.tps if not assignment.state_value(tp).has_valid_position]
