"""Check that a topic exists, before a record for it waits for a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from core.kafka.publishing.missing_topics import MISSING_S
from schemas.errors import TopicError

_PAUSE_S = 0.3


async def require_topic(
    producer: Any,
    topic: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    elapsed_s: Callable[[], float] = time.monotonic,
) -> None:
    """Return if a topic exists; `producer` is a started `AIOKafkaProducer`.

    Raises:
        TopicError: the topic does not exist, or its user may not describe it.
        KafkaError: no broker responded.
    """
    began = elapsed_s()
    while topic not in (await producer.client.fetch_all_metadata()).topics():
        if elapsed_s() - began > MISSING_S:
            raise TopicError(
                f"the topic {topic} does not exist, or this user may not describe it; create it: "
                "sluice topics create"
            )
        await sleep(_PAUSE_S)
