"""The registry topic in Kafka: read whole, and written to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from core.kafka.consumer import open_consumer
from core.registry_signature import RegistryKeys
from schemas.journal_headers import Headers, without_nulls
from schemas.topics import REGISTRY
from streams.registry.history import RegistryHistory, RegistryRecord
from streams.routing.learned.artifact import MAX_BYTES

_POLL_MS = 200
_MAX_REQUEST = MAX_BYTES + 4_096


class RegistryLog(Protocol):
    """The topic, to write on."""

    async def end(self) -> int:
        """The offset that the next record will probably have."""
        ...

    async def append(self, key: bytes, value: bytes | None, headers: Headers) -> int:
        """Write a record; the offset at which it lies, below 0 where the broker does not say."""
        ...


class KafkaRegistryLog:
    """The topic in Kafka."""

    def __init__(self, producer: AIOKafkaProducer, kafka: Mapping[str, Any]) -> None:
        self._producer = producer
        self._kafka = kafka

    async def end(self) -> int:
        """See `RegistryLog`."""
        place = TopicPartition(REGISTRY, 0)
        async with _consumer(self._kafka) as consumer:
            return int((await consumer.end_offsets([place]))[place])

    async def append(self, key: bytes, value: bytes | None, headers: Headers) -> int:
        """See `RegistryLog`."""
        acked = await self._producer.send_and_wait(
            REGISTRY, key=key, value=value, headers=headers, partition=0
        )
        return int(acked.offset)


@asynccontextmanager
async def registry_log(kafka: Mapping[str, Any]) -> AsyncIterator[RegistryLog]:
    """Open the topic to write on it."""
    producer = AIOKafkaProducer(
        **kafka, acks="all", enable_idempotence=True, max_request_size=_MAX_REQUEST
    )
    try:
        await producer.start()
        yield KafkaRegistryLog(producer, kafka)
    finally:
        await producer.stop()


async def read_history(kafka: Mapping[str, Any], *, keys: RegistryKeys | None) -> RegistryHistory:
    """Read the registry topic to its end; records that can't be used, or that none of the keys
    signed, are among its `bad`.
    """
    history = RegistryHistory(keys)
    async for record in read_records(kafka):
        history.read(record)
    return history


async def read_records(kafka: Mapping[str, Any]) -> AsyncIterator[RegistryRecord]:
    """Every record that the topic holds now, in its order."""
    place = TopicPartition(REGISTRY, 0)
    async with _consumer(kafka) as consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for record in batches.get(place, ()):
                yield record_of(record)


def record_of(record: Any) -> RegistryRecord:
    """A record as a consumer gives it."""
    return RegistryRecord(
        key=record.key or b"",
        value=record.value,
        at=record.timestamp,
        headers=without_nulls(record.headers),
        offset=record.offset,
    )


@asynccontextmanager
async def _consumer(kafka: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = open_consumer(**kafka, enable_auto_commit=False, fetch_max_wait_ms=_POLL_MS)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
