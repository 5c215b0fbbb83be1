"""The registry topic in Kafka: reading it whole, and writing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition

from core.kafka.consumer import open_consumer
from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.bounded_reading import read_from_begin
from core.kafka.standalone.librdkafka_consumer import standalone
from core.registry_signature import RegistryKeys
from schemas.journal_headers import Headers, without_nulls
from schemas.topics import REGISTRY
from streams.registry.history import RegistryHistory, RegistryRecord
from streams.routing.learned.artifact import MAX_BYTES

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
        async with open_consumer(**self._kafka, enable_auto_commit=False) as consumer:
            place = registry_partition()
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


async def read_history(
    librdkafka: Mapping[str, Any], *, keys: RegistryKeys | None
) -> RegistryHistory:
    """Read the registry topic to its end; unusable records, and with keys unsigned ones, are in its
    `bad`. Raises as `StandaloneConsumer`.
    """
    history = RegistryHistory(keys)
    async for record in read_records(librdkafka):
        history.read(record)
    return history


async def read_records(librdkafka: Mapping[str, Any]) -> AsyncIterator[RegistryRecord]:
    """Yield every record on the topic, in order. Raises as `StandaloneConsumer`."""
    async with standalone(librdkafka) as consumer:
        async for records in read_from_begin(consumer, [registry_partition()]):
            for record in records:
                yield record_of(record)


def registry_partition() -> TopicPartition:
    """Return the only partition of the topic."""
    return TopicPartition(REGISTRY, 0)


def record_of(record: FetchedRecord) -> RegistryRecord:
    """Convert a consumer's record."""
    return RegistryRecord(
        key=record.key or b"",
        value=record.value,
        at=record.timestamp,
        headers=without_nulls(record.headers),
        offset=record.offset,
    )
