"""The registry topic in Kafka: reading it whole, and writing."""

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
    """Port to write to the topic."""

    async def end(self) -> int:
        """Return the expected offset of the next record."""
        ...

    async def append(self, key: bytes, value: bytes | None, headers: Headers) -> int:
        """Append a record; return its offset, below 0 if the broker does not return it."""
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
    """Open the topic for writing."""
    producer = AIOKafkaProducer(
        **kafka, acks="all", enable_idempotence=True, max_request_size=_MAX_REQUEST
    )
    try:
        await producer.start()
        yield KafkaRegistryLog(producer, kafka)
    finally:
        await producer.stop()


async def read_history(kafka: Mapping[str, Any], *, keys: RegistryKeys | None) -> RegistryHistory:
    """Read the registry topic to its end; unusable records, and with keys unsigned ones, are in its
    `bad`.
    """
    history = RegistryHistory(keys)
    async for record in read_records(kafka):
        history.read(record)
    return history


async def read_records(kafka: Mapping[str, Any]) -> AsyncIterator[RegistryRecord]:
    """Yield every record on the topic, in order."""
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
    """Convert a consumer's record."""
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
