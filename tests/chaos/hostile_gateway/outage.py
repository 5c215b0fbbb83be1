"""Kafka pauses: how soon the gateway says so, and serves again."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.chaos.hostile_gateway.target import HONEST, Target, until_status

REFUSED_S = 1.0
SERVED_S = 2.0
_NOTICED_S = 15.0
_PAUSES_S = 3.0


async def kafka_away(target: Target) -> str:
    """While Kafka is paused, a request gets 503 with `Retry-After` within a second once the gateway
    has noticed; after it wakes, one is served within 2 s.
    """
    url = f"{target.url}/v1/chat/completions"
    async with httpx.AsyncClient(headers=target.headers, timeout=30) as client:
        target.stack.pause("kafka")
        paused = time.monotonic()
        try:
            first = await client.post(url, json=target.body(HONEST))
            noticed = time.monotonic() - paused
            assert first.status_code == 503, first.status_code
            begun = time.monotonic()
            second = await client.post(url, json=target.body(HONEST))
            refused = time.monotonic() - begun
            assert second.status_code == 503
            assert second.headers["retry-after"]
            await asyncio.sleep(_PAUSES_S)
        finally:
            target.stack.wake("kafka")
        served = await until_status(client, url, 200, target.body(HONEST))
    assert noticed <= _NOTICED_S, f"the first 503 took {noticed:.2f} s"
    assert refused <= REFUSED_S, f"503 took {refused:.2f} s"
    assert served <= SERVED_S, f"served {served:.2f} s after Kafka woke"
    return (
        f"first 503 after {noticed:.2f} s, the next in {refused:.2f} s; served {served:.2f} s "
        "after Kafka woke"
    )
