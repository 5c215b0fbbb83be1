"""Standalone consumer on librdkafka, polled by a thread (`core.kafka.fetch_thread`)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import TopicPartition

from core.kafka.fetch_source import Batch, FetchedRecord, PartitionBatch
from core.kafka.fetch_thread import NO_GROUP, FetchThread
from core.kafka.standalone.queries import LibrdkafkaQueries, forbidden
from schemas.errors import KafkaAwayError, SluiceError

log = logging.getLogger(__name__)

WAIT_MS = 200
"""Default of the time for which the broker holds a fetch that finds no record."""


class LibrdkafkaConsumer(LibrdkafkaQueries):
    """`StandaloneConsumer` on a broker, for use on the running loop.

    `settings` are the connection settings of librdkafka. A fetch waits at most `wait_ms` for
    `min_bytes`. `group` is the group of `committed`; it is never joined.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        wait_ms: int = WAIT_MS,
        min_bytes: int = 1,
        group: str = NO_GROUP,
    ) -> None:
        self._batches: deque[dict[TopicPartition, PartitionBatch]] = deque()
        self._positions: dict[TopicPartition, int] = {}
        self._generation = 0
        self._news = asyncio.Event()
        self._failure: SluiceError | None = None
        self._rejection: asyncio.Task[None] | None = None
        thread = FetchThread(
            {
                **settings,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": wait_ms,
                "fetch.min.bytes": min_bytes,
                # Errors are raised, and warnings are logged here.
                "log_level": 0,
            },
            self._arrived,
            faulted=self._faulted,
            needs_headers=False,
        )
        super().__init__(thread, settings["bootstrap.servers"])

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `StandaloneConsumer`."""
        for _ in self._batches:
            self._thread.taken()
        self._batches.clear()
        self._positions = dict(positions)
        self._generation += 1
        self._thread.assign(self._generation, positions)

    async def read(
        self, *, timeout_s: float | None = None, most: int | None = None
    ) -> Sequence[FetchedRecord]:
        """See `StandaloneConsumer`."""
        if not self._batches:
            self._news.clear()
            self._raise_failure()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
        self._raise_failure()
        return self._take(most)

    def position(self, place: TopicPartition) -> int:
        """See `StandaloneConsumer`."""
        return self._positions[place]

    async def close(self) -> None:
        """See `StandaloneConsumer`."""
        if self._rejection is not None:
            self._rejection.cancel()
        await self._thread.close()

    def _arrived(self, generation: int, batch: Batch) -> None:
        if generation != self._generation:
            self._thread.taken()
            return
        self._batches.append(dict(batch))
        self._news.set()

    def _take(self, most: int | None) -> Sequence[FetchedRecord]:
        taken: list[FetchedRecord] = []
        while self._batches and (most is None or len(taken) < most):
            batch = self._batches[0]
            place, found = next(iter(batch.items()))
            self._warn_of_reset(place, found)
            records = found.records if most is None else found.records[: most - len(taken)]
            taken.extend(records)
            if len(records) < len(found.records):
                del found.records[: len(records)]
                self._positions[place] = records[-1].offset + 1
                break
            if found.next_offset >= 0:
                self._positions[place] = found.next_offset
            if found.error is not None:
                self._fail(forbidden(found.error, (place.topic,)))
            del batch[place]
            if not batch:
                self._batches.popleft()
                self._thread.taken()
        return taken

    def _warn_of_reset(self, place: TopicPartition, found: PartitionBatch) -> None:
        position = self._positions[place]
        first = found.records[0].offset if found.records else found.next_offset
        if 0 <= first < position:
            log.warning(
                "%s:%d: the topic was recreated; reading continues from offset %d instead of %d",
                *place, first, position,
            )  # fmt: skip

    def _raise_failure(self) -> None:
        if self._batches:
            return  # What arrived before comes first.
        if self._failure is not None:
            raise self._failure
        if self._thread.failure is not None:
            raise self._thread.failure

    def _fail(self, error: SluiceError) -> None:
        self._failure = error
        self._news.set()

    def _faulted(self) -> None:
        """Watch a rejection; a failure of the thread is raised by who reads."""
        self._news.set()
        is_watched = self._rejection is not None and not self._rejection.done()
        if self._thread.rejection is not None and not is_watched:
            log.warning("Kafka rejects the connection, trying again: %s", self._thread.rejection)
            self._rejection = asyncio.create_task(self._watch_rejection())

    async def _watch_rejection(self) -> None:
        """Fail unless Kafka accepts the connection soon."""
        try:
            await self.check()
        except KafkaAwayError:
            return  # It is not a rejection any more; a later one is watched again.
        except SluiceError as error:
            self._fail(error)


@asynccontextmanager
async def standalone(
    settings: Mapping[str, Any], *, wait_ms: int = WAIT_MS, group: str = NO_GROUP
) -> AsyncIterator[LibrdkafkaConsumer]:
    """Open a consumer that is closed at the end of the block."""
    consumer = LibrdkafkaConsumer(settings, wait_ms=wait_ms, group=group)
    try:
        yield consumer
    finally:
        await consumer.close()
