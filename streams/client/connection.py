"""A client's connection to the log: it publishes requests and reads a reply topic.

Invariant: the consumer is at the end of the reply topic before the first request is sent, so no
reply is missed. There is no consumer group: every client reads all partitions.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from core.clock import BrokerClock
from core.kafka.preflight import check_connection, kafka_problem
from core.kafka.publishing.paced_metadata import pace_metadata
from core.kafka.publishing.required_topics import require_topic
from core.kafka.standalone.librdkafka_consumer import standalone
from core.kafka.standalone.port import StandaloneConsumer
from schemas.errors import KafkaAwayError, SluiceError, TopicError
from schemas.topics import MAX_REQUEST_BYTES, MIB, REPLIES
from streams.client.pending_requests import PendingRequests
from streams.client.request_publisher import KafkaRequestPublisher, RequestPublisher
from streams.client.settings import ClientSettings

_FETCH_WAIT_MS = 50
_PARTITIONS_S = 5.0
"""Interval of the search for added partitions of the reply topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a client sends and receives with. `replies` reads from `positions` on."""

    publisher: RequestPublisher
    replies: StandaloneConsumer
    positions: Mapping[TopicPartition, int]


Connect = Callable[[ClientSettings], AbstractAsyncContextManager[Connection]]


@asynccontextmanager
async def kafka_connection(settings: ClientSettings) -> AsyncIterator[Connection]:
    """Connect to a broker, until the context ends.

    Raises:
        KafkaAwayError: no broker answers.
        KafkaAccessError: the broker rejects the connection.
        TopicError: the request topic or the reply topic does not exist.
    """
    kafka = settings.kafka
    await check_connection(kafka, must_answer=True)
    producer = request_producer(kafka)
    pace_metadata(producer)
    try:
        async with standalone(settings.librdkafka, wait_ms=_FETCH_WAIT_MS) as consumer:
            try:
                await producer.start()
                await require_topic(producer, settings.request_topic)
            except KafkaError as error:
                raise KafkaAwayError(kafka_problem(error, settings.bootstrap_servers)) from error
            positions = await at_end(consumer, settings.reply_topic)
            publisher = KafkaRequestPublisher(producer, BrokerClock())
            yield Connection(publisher=publisher, replies=consumer, positions=positions)
    finally:
        await producer.stop()


def request_producer(kafka: Mapping[str, Any]) -> AIOKafkaProducer:
    """Return a producer for requests, idempotent, with these connection settings of aiokafka."""
    return AIOKafkaProducer(
        **kafka,
        acks="all",
        enable_idempotence=True,
        max_request_size=2 * MAX_REQUEST_BYTES + MIB,
    )


async def at_end(consumer: StandaloneConsumer, topic: str) -> Mapping[TopicPartition, int]:
    """Assign all partitions of a reply topic from their ends, and return these. Raises as
    `StandaloneConsumer`.
    """
    try:
        places = await partitions_of(consumer, topic)
    except TopicError as error:
        if topic == REPLIES:
            raise
        raise TopicError(
            f"the reply topic {topic} does not exist, or this user may not describe it; create it: "
            f"sluice topics create --reply {topic}"
        ) from error
    positions = await consumer.ends(places)
    consumer.assign(positions)
    return positions


async def partitions_of(consumer: StandaloneConsumer, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic. Raises as `StandaloneConsumer`."""
    return [TopicPartition(topic, number) for number in range(await consumer.partitions(topic))]


async def listen(connection: Connection, topic: str, pending: PendingRequests[Any]) -> None:
    """Hand new records of a reply topic to the waiting requests, until cancelled. Added partitions
    are read from their beginning. All waiting requests fail if reading fails.
    """
    consumer, places = connection.replies, dict(connection.positions)
    looked_at = time.monotonic()
    try:
        while True:
            for record in await consumer.read(timeout_s=_PARTITIONS_S):
                pending.take(record)
            if time.monotonic() - looked_at >= _PARTITIONS_S:
                looked_at = time.monotonic()
                found = await partitions_of(consumer, topic)
                if added := [each for each in found if each not in places]:
                    places = {place: consumer.position(place) for place in places}
                    places |= dict.fromkeys(added, 0)
                    consumer.assign(places)
    except SluiceError as error:
        pending.fail(error)
    except Exception:
        pending.fail(SluiceError(f"reading of {topic} stopped unexpectedly; open a new client"))
        raise
