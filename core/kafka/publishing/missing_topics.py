"""Records for a topic that does not exist wait for it; each missing topic is logged once.

aiokafka polls for 60 s and then fails, which ends a worker, and the next one the same way. A record
is acknowledged only after its effects, so waiting loses nothing: slots fill, and the backlog stays
in Kafka. A record for a topic that must not hold up others (`never_awaited`) fails soon instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any

from schemas.errors import DeliveryError

log = logging.getLogger(__name__)

MISSING_S = 3.0
"""Time after which a topic counts as missing; another broker may know of it later."""

LOOK_AGAIN_S = 0.02
"""First pause of a look. The first record for a topic always looks, and metadata that was requested
before does not have the topic yet; a slow look would delay every first record of a process.
"""

LOOK_EVERY_S = 0.5
"""Longest pause of a look, to which pauses grow."""

AWAY_S = 60.0
"""Time without an answer of a broker after which a record fails."""

Partition = tuple[str, int | None]
"""A topic, and the partition that a record is for; `None` for any."""


def partition_exists(client: Any, topic: str, partition: int | None) -> bool:
    """Return whether an aiokafka client knows a partition, or any of the topic."""
    known = client.cluster._partitions.get(topic)
    return bool(known) and (partition is None or partition in known)


class MissingTopics:
    """The topics that records of one producer wait for. `elapsed_ms` is any monotonic clock."""

    def __init__(
        self,
        elapsed_ms: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        never_awaited: Collection[str] = (),
    ) -> None:
        self._elapsed_ms = elapsed_ms
        self._sleep = sleep
        self._never_awaited = frozenset(never_awaited)
        self._looks: dict[Partition, asyncio.Task[None]] = {}
        self._missing: dict[Partition, str] = {}

    @property
    def fault(self) -> str | None:
        """Return what records wait for; `None` if none waits."""
        return next(iter(self._missing.values()), None)

    async def awaited(self, client: Any, topic: str, partition: int | None) -> None:
        """Return when a partition exists, or any of the topic; records share one look.

        Raises:
            DeliveryError: no broker answers, or the topic may not hold up records.
        """
        wanted = topic, partition
        look = self._looks.get(wanted)
        if look is None:
            look = self._looks[wanted] = asyncio.create_task(self._look(client, topic, partition))
            look.add_done_callback(partial(self._ended, wanted))
        await asyncio.shield(look)

    async def close(self) -> None:
        """Cancel what waits: it is read again from its uncommitted offset."""
        looks = list(self._looks.values())
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def _ended(self, wanted: Partition, look: asyncio.Task[None]) -> None:
        del self._looks[wanted]
        if not look.cancelled():
            look.exception()  # Whoever waits raises it; nobody may.

    async def _look(self, client: Any, topic: str, partition: int | None) -> None:
        began = answered = self._elapsed_ms()
        pause_s = LOOK_AGAIN_S
        try:
            while not partition_exists(client, topic, partition):
                client.add_topic(topic)
                has_answered = await client.force_metadata_update()
                now = self._elapsed_ms()
                if partition_exists(client, topic, partition):
                    return
                if topic in client.cluster.unauthorized_topics:
                    return  # The producer raises it.
                answered = now if has_answered else answered
                if now - answered > AWAY_S * 1000:
                    raise DeliveryError(f"{topic} did not take a record: no broker answers")
                if has_answered and now - began > MISSING_S * 1000:
                    self._note(client, topic, partition)
                await self._sleep(pause_s)
                pause_s = min(2 * pause_s, LOOK_EVERY_S)
        finally:
            if self._missing.pop((topic, partition), None) is not None and partition_exists(
                client, topic, partition
            ):
                log.warning("%s is there again; the waiting records are written", topic)

    def _note(self, client: Any, topic: str, partition: int | None) -> None:
        """Name the missing topic, once."""
        fault = _fault(client, topic, partition)
        if topic in self._never_awaited:
            raise DeliveryError(fault)
        if (topic, partition) not in self._missing:
            log.error("%s. Records for it wait, and so do the requests that they belong to", fault)
            self._missing[topic, partition] = fault


def _fault(client: Any, topic: str, partition: int | None) -> str:
    known = client.cluster._partitions.get(topic)
    if not known:
        return f"the topic {topic} does not exist; create it: sluice topics create"
    return (
        f"the topic {topic} has no partition {partition}, only {len(known)} partitions; tier, wait "
        "and event topics must share one partition count. Add partitions: see sluice topics check"
    )
