"""Reads what is written to topics from a moment on, until a test has seen what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord


class TopicReader:
    """Records of some topics since it was opened."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.records: list[ConsumerRecord] = []

    def of(self, topic: str) -> list[ConsumerRecord]:
        return [record for record in self.records if record.topic == topic]

    async def until(self, seen: Callable[[], bool], timeout_s: float) -> None:
        """Read on until something was seen.

        Raises:
            TimeoutError: it was not in time.
        """
        async with asyncio.timeout(timeout_s):
            while not seen():
                for records in (await self._consumer.getmany(timeout_ms=200)).values():
                    self.records.extend(records)


@asynccontextmanager
async def topic_reader(bootstrap: str, topics: Sequence[str]) -> AsyncIterator[TopicReader]:
    """Reads committed records from the end of these topics as it is now."""
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="latest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=12_000_000,
    )
    async with consumer:
        await consumer.seek_to_end()
        await asyncio.gather(*(consumer.position(place) for place in consumer.assignment()))
        yield TopicReader(consumer)
