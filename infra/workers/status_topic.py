"""The running workers, by their statuses on `llm.workers.v1`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition

from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.librdkafka_consumer import standalone
from core.kafka.standalone.port import StandaloneConsumer
from schemas.errors import TopicError, UndecodableError
from schemas.topics import WORKERS
from schemas.worker_status import GONE_S, WorkerStatus

_WAIT_MS = 100
_PLACE = TopicPartition(WORKERS, 0)


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
    """Reads new records of an assigned consumer at each call."""

    def __init__(self, consumer: StandaloneConsumer) -> None:
        self._consumer = consumer
        self._workers = LiveWorkers()

    async def alive(self) -> list[WorkerStatus]:
        """Return the running workers."""
        async for records in read_until(self._consumer, await self._consumer.ends([_PLACE])):
            for record in records:
                self._workers.take(record.key or b"", record.value, record.timestamp)
        return self._workers.alive


@asynccontextmanager
async def status_topic(librdkafka: Mapping[str, Any]) -> AsyncIterator[StatusTopic | None]:
    """Open the topic at the start of the valid period; `None` without the topic."""
    async with standalone(librdkafka, wait_ms=_WAIT_MS) as consumer:
        try:
            await assign_valid_period(consumer)
        except TopicError:
            yield None
            return
        yield StatusTopic(consumer)


async def assign_valid_period(consumer: StandaloneConsumer) -> None:
    """Assign the topic from the first status that the newest record leaves valid."""
    begins, ends = await consumer.begins([_PLACE]), await consumer.ends([_PLACE])
    newest: int | None = None
    consumer.assign({_PLACE: max(ends[_PLACE] - 1, begins[_PLACE])})
    async for records in read_until(consumer, ends):
        newest = records[-1].timestamp
    if newest is not None:
        begins = await consumer.offsets_at({_PLACE: newest - int(GONE_S * 1000)})
    consumer.assign(begins)


async def live_workers(librdkafka: Mapping[str, Any]) -> list[WorkerStatus]:
    """Return the running workers; none if the topic is missing."""
    async with status_topic(librdkafka) as topic:
        return [] if topic is None else await topic.alive()
