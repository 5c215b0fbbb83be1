"""Publishing of records: a port, its Kafka adapter with three producers, and its in-memory twin.

Sluice's own topics use one idempotent producer. Each record is checked against its topic's limit
first: a single too large record would make every later send to that partition fail until the
producer is replaced. Replies, whose topics belong to callers, use a second producer without
idempotence, so that a broken reply topic never blocks events. Dead letters use a third one with
batching: a flood of them must not delay other records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from core.clock import BrokerClock
from core.kafka.publishing.missing_topics import MissingTopics, partition_exists
from core.kafka.publishing.pending import Delivered, Pending, PendingAgain, is_missing, may_pass
from schemas.errors import DeliveryError, RecordTooLargeError
from schemas.journal_headers import Headers
from schemas.topics import ALERTS, DEAD_LETTER_SUFFIX, RECORD_OVERHEAD_BYTES, WORKERS

__all__ = ["Delivered", "KafkaPublisher", "Outgoing", "PartsPublisher", "Publisher", "size_of"]

OWN_TIMEOUT_MS = 60_000
"""Maximum broker outage before a record of Sluice's own topics fails."""

_ASK_AGAIN_S = 0.2

_MOST_SENDS = 10
"""Times that a record is sent again to a topic that vanishes while it is on its way."""

NEVER_AWAITED = (ALERTS, WORKERS)
"""Topics that hold up no request: a missing one is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A record to produce; if `partition` is `None`, murmur2 of the key chooses it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    partition: int | None = None


def refuse_nothing(record: Outgoing) -> None:
    """Reject records that aiokafka does not write.

    Raises:
        DeliveryError: the record has neither key nor value.
    """
    if record.key is None and record.value is None:
        raise DeliveryError(f"a record for {record.topic} has neither key nor value")


class Publisher(Protocol):
    """Sends records; the returned future is done when all in-sync replicas have the record."""

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        """Send a record to one of Sluice's own topics.

        Raises:
            RecordTooLargeError: it is larger than its topic allows; nothing was sent.
            DeliveryError: from the future, if the broker rejected it.
        """
        ...

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        """Send a reply to a caller's topic. Raises like `publish`."""
        ...


class PartsPublisher(Protocol):
    """Sends parts of answers."""

    async def part(self, record: Outgoing) -> None:
        """Send a record to a reply topic without waiting for its acknowledgement.

        Raises:
            DeliveryError: the producer does not take it.
        """
        ...


def size_of(record: Outgoing) -> int:
    """Return the bytes of key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name) + len(value)
    return size


class KafkaPublisher:
    """The producers; without a producer for dead letters (`aside`) they use that of Sluice's own
    records.
    """

    def __init__(
        self,
        own: AIOKafkaProducer,
        replies: AIOKafkaProducer,
        limits: Mapping[str, int],
        clock: BrokerClock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        aside: AIOKafkaProducer | None = None,
    ) -> None:
        self._own = own
        self._aside = aside
        self._replies = replies
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._missing = MissingTopics(clock.elapsed_ms, sleep, never_awaited=NEVER_AWAITED)

    @property
    def fault(self) -> str | None:
        """Return the missing topic that records wait for; `None` if none waits."""
        return self._missing.fault

    async def start(self) -> None:
        """Connect the producers."""
        await self._own.start()
        if self._aside is not None:
            await self._aside.start()
        await self._replies.start()

    async def stop(self) -> None:
        """Send buffered records and disconnect."""
        await self._missing.close()
        await self._own.stop()
        if self._aside is not None:
            await self._aside.stop()
        await self._replies.stop()

    async def topics(self) -> frozenset[str]:
        """Return every topic of the broker."""
        metadata = await self._replies.client.fetch_all_metadata()
        return frozenset(metadata.topics())

    def partition_count(self, topic: str) -> int:
        """Return the partition count of one of Sluice's own topics; 0 before the first send."""
        return len(self._own.client.cluster.partitions_for_topic(topic) or ())

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.publish`. A record for a topic that does not exist waits for it."""
        limit = self._limits[record.topic] - RECORD_OVERHEAD_BYTES
        if size_of(record) > limit:
            raise RecordTooLargeError(
                f"a record of {size_of(record)} bytes exceeds the limit {limit} of {record.topic}"
            )
        aside = self._aside if record.topic.endswith(DEAD_LETTER_SUFFIX) else None
        again = partial(self._send_to_existing, aside or self._own, record)
        return PendingAgain(await again(), again, is_missing, most=_MOST_SENDS)

    async def _send_to_existing(
        self, producer: AIOKafkaProducer, record: Outgoing
    ) -> Awaitable[Delivered]:
        if not partition_exists(producer.client, record.topic, record.partition):
            refuse_nothing(record)
            await self._missing.awaited(producer.client, record.topic, record.partition)
        return await self._send(producer, record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.reply`. A reply that timed out is sent again once the broker is reachable:
        a valid reply topic gets its reply after an outage of any length.
        """
        try:
            first = await self._send(self._replies, record)
        except DeliveryError as error:
            if not may_pass(error):
                raise
            first = None
        return PendingAgain(first, partial(self._reply_again, record), may_pass)

    async def part(self, record: Outgoing) -> None:
        """See `PartsPublisher.part`."""
        refuse_nothing(record)
        try:
            future = await self._replies.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=record.headers,
                partition=record.partition,
            )
        except (KafkaError, AssertionError) as error:
            raise DeliveryError(f"{record.topic} did not take a record: {error}") from error
        future.add_done_callback(_forget)

    async def _reply_again(self, record: Outgoing) -> Awaitable[Delivered]:
        await self._broker_answers()
        return await self._send(self._replies, record)

    async def _broker_answers(self) -> None:
        """Wait for the broker, as long as records of Sluice's own topics wait for it."""
        until = self._clock.elapsed_ms() + OWN_TIMEOUT_MS
        while self._clock.elapsed_ms() < until:
            try:
                await self.topics()
            except (KafkaError, OSError):
                await self._sleep(_ASK_AGAIN_S)
            else:
                return

    async def _send(self, producer: AIOKafkaProducer, record: Outgoing) -> Awaitable[Delivered]:
        sent = self._clock.elapsed_ms()
        refuse_nothing(record)
        try:
            future = await producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=record.headers,
                partition=record.partition,
            )
        except KafkaError as error:
            raise DeliveryError(f"{record.topic} did not take a record: {error}") from error
        except AssertionError:
            # aiokafka's error for a partition that does not exist; a caller can name any.
            raise DeliveryError(f"{record.topic} has no partition {record.partition}") from None
        return Pending(future, record.topic, sent, self._clock)


def _forget(sent: asyncio.Future[Any]) -> None:
    """Take the result of a record that nobody waits for."""
    if not sent.cancelled():
        sent.exception()
