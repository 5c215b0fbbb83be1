"""Bounds what an aiokafka producer does for a partition that vanished under a pending record.

aiokafka then requests metadata again and again without a pause, a thousand times a second with a
log line each, for 60 s. Here each request is followed by a pause while such a record is pending,
and after `MISSING_S` the record fails, so that its sender can wait for the topic.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from core.kafka.publishing.missing_topics import MISSING_S, partition_exists

PAUSE_S = 0.1


def pace_metadata(
    producer: Any,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    elapsed_s: Callable[[], float] = time.monotonic,
) -> None:
    """Apply this to an `AIOKafkaProducer` that is not started yet."""
    client, batches = producer.client, producer._message_accumulator._batches
    update = client._metadata_update
    missing_since: dict[Any, float] = {}

    async def paced(cluster: Any, topics: Any) -> bool:
        is_updated: bool = await update(cluster, topics)
        if cluster is not client.cluster:
            return is_updated
        missing = {place for place in batches if not partition_exists(client, *place)}
        for place in missing_since.keys() - missing:
            del missing_since[place]
        if is_updated:
            now = elapsed_s()
            for place in missing:
                if now - missing_since.setdefault(place, now) > MISSING_S:
                    _expire(batches[place])
        if missing:
            await sleep(PAUSE_S)
        return is_updated

    client._metadata_update = paced


def _expire(batches: Any) -> None:
    """Let the sender fail these batches: they are past their time to live."""
    for batch in batches:
        batch._ttl = 0
