"""The running workers, by their statuses on `llm.workers.v1`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.kafka.consumer import open_consumer
from schemas.errors import UndecodableError
from schemas.topics import WORKERS
from schemas.worker_status import GONE_S, WorkerStatus

_POLL_MS = 100


class LiveWorkers:
    """The latest status of each worker, without those that left or stopped reporting. Pure.

    Ages use the broker's time alone, so the reader's clock does not matter.
    """

    def __init__(self) -> None:
        self._statuses: dict[str, tuple[int, WorkerStatus]] = {}
        self._newest = 0

    def take(self, key: bytes, value: bytes | None, at: int) -> None:
        """Apply a record; an unreadable one is skipped."""
        self._newest = max(self._newest, at)
        name = key.decode(errors="replace")
        if value is None:
            self._statuses.pop(name, None)
            return
        try:
            self._statuses[name] = (at, WorkerStatus.decode(value))
        except UndecodableError:
            self._statuses.pop(name, None)

    @property
    def alive(self) -> list[WorkerStatus]:
        """Return workers with a recent status, by name."""
        since = self._newest - GONE_S * 1000
        return [status for _, (at, status) in sorted(self._statuses.items()) if at >= since]


class StatusTopic:
    """Reads new records at each call."""

    def __init__(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        self._consumer = consumer
        self._place = place
        self._workers = LiveWorkers()

    async def alive(self) -> list[WorkerStatus]:
        """Return the running workers."""
        place = self._place
        end = (await self._consumer.end_offsets([place]))[place]
        while await self._consumer.position(place) < end:
            batches = await self._consumer.getmany(place, timeout_ms=_POLL_MS)
            for record in batches.get(place, ()):
                self._workers.take(record.key or b"", record.value, record.timestamp)
        return self._workers.alive


@asynccontextmanager
async def status_topic(kafka: Mapping[str, Any]) -> AsyncIterator[StatusTopic | None]:
    """Open the topic at the start of the valid period; `None` without the topic."""
    consumer = open_consumer(**kafka, enable_auto_commit=False, fetch_max_wait_ms=_POLL_MS)
    try:
        await consumer.start()
        if WORKERS not in await consumer.topics():
            yield None
            return
        place = TopicPartition(WORKERS, 0)
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        begin = (await consumer.beginning_offsets([place]))[place]
        if end > begin:
            consumer.seek(place, end - 1)
            newest = await consumer.getone(place)
            since = newest.timestamp - int(GONE_S * 1000)
            found = (await consumer.offsets_for_times({place: since}))[place]
            consumer.seek(place, begin if found is None else found.offset)
        else:
            consumer.seek(place, end)
        yield StatusTopic(consumer, place)
    finally:
        await consumer.stop()


async def live_workers(kafka: Mapping[str, Any]) -> list[WorkerStatus]:
    """Return the running workers; none if the topic is missing."""
    async with status_topic(kafka) as topic:
        return [] if topic is None else await topic.alive()
