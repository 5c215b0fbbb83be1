"""Worker statuses on `llm.workers.v1`, as a worker reads them: on Kafka, and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer
from schemas.errors import UndecodableError
from schemas.topics import WORKERS
from schemas.worker_status import WorkerStatus

_WAIT_MS = 500
_CLOCKS_APART_MS = 60_000
"""Maximum difference of brokers' clocks."""

_PLACE = TopicPartition(WORKERS, 0)


def statuses_of(records: Iterable[tuple[bytes | None, int]]) -> list[WorkerStatus]:
    """Return the statuses among values and their broker times, ms. Workers that left, unreadable
    records, and processes that start after their own record are left out.
    """
    found = []
    for value, at in records:
        if value is None:
            continue
        try:
            status = WorkerStatus.decode(value)
        except UndecodableError:
            continue
        if status.started_at <= at + _CLOCKS_APART_MS:
            found.append(status)
    return found


class KafkaStatusFeed:
    """The topic on a broker, read from its end at the start."""

    def __init__(self, librdkafka: Mapping[str, Any]) -> None:
        self._librdkafka = librdkafka
        self._consumer: LibrdkafkaConsumer | None = None

    async def start(self) -> None:
        """Connect, and seek to the end of the topic. Raises as `StandaloneConsumer`."""
        self._consumer = LibrdkafkaConsumer(self._librdkafka, wait_ms=_WAIT_MS)
        self._consumer.assign(await self._consumer.ends([_PLACE]))

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.close()

    async def read(self) -> Sequence[WorkerStatus]:
        """See `StatusFeed.read`; it waits for records."""
        if self._consumer is None:
            raise RuntimeError("the status feed is not started")
        records = await self._consumer.read()
        return statuses_of((record.value, record.timestamp) for record in records)


class MemoryStatusFeed:
    """In-memory feed of the given statuses."""

    def __init__(self) -> None:
        self._records: asyncio.Queue[tuple[bytes | None, int]] = asyncio.Queue()

    def say(self, value: bytes | None, at: int) -> None:
        """Add a record at a broker time, ms."""
        self._records.put_nowait((value, at))

    async def read(self) -> Sequence[WorkerStatus]:
        """See `StatusFeed.read`; it waits for records."""
        return statuses_of([await self._records.get()])
