"""Status of this worker on `llm.workers.v1`, for operators' commands.

Only those commands depend on it: if the topic is missing or rejects records, the worker logs it
once and goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from core.kafka.producer import Outgoing, Publisher
from schemas.errors import DeliveryError
from schemas.topics import WORKERS
from schemas.worker_status import EVERY_S, WorkerStatus

log = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0
"""Interval at which a worker checks for changes besides its registry, such as its keys."""
TOMBSTONE_TIMEOUT_S = 2.0
"""Maximum time to publish that the worker is gone."""


class StatusReports:
    """Publishes a worker's status at start, on changes, and every `every_s`; `announced` is set
    after the first attempt. A name taken over by another process is not released at the end.
    """

    def __init__(
        self,
        publisher: Publisher,
        status: Callable[[], WorkerStatus],
        changed: asyncio.Event,
        topics: Callable[[], Awaitable[frozenset[str]]],
        *,
        every_s: float = EVERY_S,
        keeps_name: Callable[[], bool] = lambda: True,
    ) -> None:
        self._publisher = publisher
        self._status = status
        self._changed = changed
        self._topics = topics
        self._every_s = every_s
        self._keeps_name = keeps_name
        self.announced = asyncio.Event()
        self._has_topic = False
        self._has_warned = False

    async def run(self) -> None:
        """Report until cancelled, then publish that the worker is gone."""
        reported: WorkerStatus | None = None
        reported_at, loop = 0.0, asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                status = self._status()
                if status != reported or loop.time() - reported_at >= self._every_s:
                    await self._publish(status.worker, status.encode())
                    reported, reported_at = status, loop.time()
                    self.announced.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(CHECK_EVERY_S, self._every_s)):
                        await self._changed.wait()
        finally:
            if self._keeps_name():
                # An unavailable broker must not delay the shutdown.
                with suppress(TimeoutError):
                    async with asyncio.timeout(TOMBSTONE_TIMEOUT_S):
                        await asyncio.shield(self._publish(self._status().worker, None))

    async def _publish(self, worker: str, value: bytes | None) -> None:
        record = Outgoing(topic=WORKERS, key=worker.encode(), value=value, partition=0)
        try:
            # A producer waits for a minute for a missing topic.
            self._has_topic = self._has_topic or WORKERS in await self._topics()
            if not self._has_topic:
                self._warn("it is missing; run: sluice topics create")
                return
            await (await self._publisher.publish(record))
            self._has_warned = False
        except (DeliveryError, OSError) as error:
            self._warn(str(error))

    def _warn(self, why: str) -> None:
        if not self._has_warned:
            log.warning("cannot publish the worker status on %s: %s", WORKERS, why)
            self._has_warned = True
