"""Lag of the event loop, which is part of every latency of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from core.clock import Clock

EVERY_MS = 500.0


async def watch_loop(
    late: Callable[[float], None],
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Report to `late`, twice a second and until cancelled, the delay of the loop's wake-up, ms."""
    while True:
        due = clock.elapsed_ms() + EVERY_MS
        await sleep(EVERY_MS / 1000)
        late(clock.elapsed_ms() - due)
