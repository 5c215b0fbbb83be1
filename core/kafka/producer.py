"""Publishing of records: a port, its Kafka adapter with three producers, and its in-memory twin.

Sluice's own topics use one idempotent producer. Each record is checked against its topic's limit
first: a single too large record would make every later send to that partition fail until the
producer is replaced. Replies, whose topics belong to callers, use a second producer without
idempotence, so that a broken reply topic never blocks events. Dead letters use a third one with
batching: a flood of them must not delay other records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from core.clock import BrokerClock
from schemas.errors import DeliveryError, RecordTooLargeError
from schemas.journal_headers import Headers
from schemas.topics import DEAD_LETTER_SUFFIX, RECORD_OVERHEAD_BYTES

OWN_TIMEOUT_MS = 60_000
"""Maximum broker outage before a record of Sluice's own topics fails."""

_ASK_AGAIN_S = 0.2

_LOG_APPEND_TIME = 1
"""Timestamp type LogAppendTime; a caller's topic may have CreateTime (0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Position of a produced record; `timestamp` is broker time, ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int


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

    async def start(self) -> None:
        """Connect the producers."""
        await self._own.start()
        if self._aside is not None:
            await self._aside.start()
        await self._replies.start()

    async def stop(self) -> None:
        """Send buffered records and disconnect."""
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
        """See `Publisher.publish`."""
        limit = self._limits[record.topic] - RECORD_OVERHEAD_BYTES
        if size_of(record) > limit:
            raise RecordTooLargeError(
                f"a record of {size_of(record)} bytes exceeds the limit {limit} of {record.topic}"
            )
        aside = self._aside if record.topic.endswith(DEAD_LETTER_SUFFIX) else None
        return await self._send(aside or self._own, record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.reply`. A reply that timed out is sent again once the broker is reachable:
        a valid reply topic gets its reply after an outage of any length.
        """
        try:
            first = await self._send(self._replies, record)
        except DeliveryError as error:
            if not _passes(error):
                raise
            first = None
        return _PendingReply(first, record, self)

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

    async def _reply_again(self, record: Outgoing) -> Delivered:
        await self._broker_answers()
        return await (await self._send(self._replies, record))

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
        return _Pending(future, record.topic, sent, self._clock)


def _forget(sent: asyncio.Future[Any]) -> None:
    """Take the result of a record that nobody waits for."""
    if not sent.cancelled():
        sent.exception()


class _Pending:
    """A pending record; awaiting it costs no task, and not awaiting it leaves no coroutine."""

    __slots__ = ("_clock", "_future", "_sent", "_topic")

    def __init__(self, future: Awaitable[Any], topic: str, sent: float, clock: BrokerClock) -> None:
        self._future = future
        self._topic = topic
        self._sent = sent
        self._clock = clock

    def __await__(self) -> Generator[Any, None, Delivered]:
        return self._wait().__await__()

    async def _wait(self) -> Delivered:
        try:
            metadata = await self._future
        except KafkaError as error:
            raise DeliveryError(f"{self._topic} did not take a record: {error}") from error
        if metadata.timestamp_type == _LOG_APPEND_TIME:
            self._clock.observe(metadata.timestamp, self._sent, self._clock.elapsed_ms())
        return Delivered(
            topic=self._topic,
            partition=metadata.partition,
            offset=metadata.offset,
            timestamp=metadata.timestamp,
        )


class _PendingReply:
    """A pending reply with one retry."""

    __slots__ = ("_first", "_publisher", "_record")

    def __init__(
        self, first: Awaitable[Delivered] | None, record: Outgoing, publisher: KafkaPublisher
    ) -> None:
        self._first = first
        self._record = record
        self._publisher = publisher

    def __await__(self) -> Generator[Any, None, Delivered]:
        return self._wait().__await__()

    async def _wait(self) -> Delivered:
        try:
            if self._first is not None:
                return await self._first
        except DeliveryError as error:
            if not _passes(error):
                raise
        return await self._publisher._reply_again(self._record)


def _passes(error: DeliveryError) -> bool:
    """Return whether the error may come from the broker rather than the topic."""
    cause = error.__cause__
    return isinstance(cause, KafkaTimeoutError) or bool(getattr(cause, "retriable", False))
