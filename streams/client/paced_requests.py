"""Sends many requests: a bounded number in flight, at a bounded rate, outcomes as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from core.background_tasks import cancelled

Sent = TypeVar("Sent")
Ended = TypeVar("Ended")


async def each_ended(
    requests: Iterable[Sent],
    send: Callable[[Sent], Awaitable[Ended]],
    *,
    in_flight: int,
    rate: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Ended]:
    """Send each request and yield how it ended, in the order of their ends.

    At most `in_flight` requests are open or not taken by the reader yet, and at most `rate` are
    sent per second. The first error of `send` ends all, and is raised.
    """
    places = asyncio.Semaphore(in_flight)
    ends: asyncio.Queue[Ended | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def one(request: Sent) -> None:
        ends.put_nowait(await send(request))

    async def feed() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for number, request in enumerate(requests):
                    if rate is not None:
                        await sleep(max(begun + number / rate - loop.time(), 0))
                    await places.acquire()
                    tasks.create_task(one(request))
        finally:
            ends.put_nowait(None)

    feeding = asyncio.create_task(feed())
    try:
        while (end := await ends.get()) is not None:
            yield end
            places.release()
        await feeding
    except ExceptionGroup as group:
        # All failed requests fail for one reason, which is raised once.
        raise group.exceptions[0] from None
    finally:
        await cancelled(feeding)
