"""Sends many requests: a bounded number in flight, replies passed on as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.client.caller import Caller, ReceivedReply

GRACE_S = 30.0
"""Time to wait for a reply after the request's own deadline, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Send rate: at most `in_flight` open requests, and `rate` requests/s if set."""

    in_flight: int = 64
    rate: float | None = None


OnReply = Callable[[Mapping[str, Any], ReceivedReply], None]


async def send_all(
    caller: Caller,
    requests: Sequence[Mapping[str, Any]],
    on_reply: OnReply,
    pace: Pace,
    *,
    timeout_s: float,
) -> list[Mapping[str, Any]]:
    """Send all requests; return those without a reply within `timeout_s` of being sent.

    Raises:
        LocalStackError: the broker did not accept a request, or stopped delivering replies.
    """
    places = asyncio.Semaphore(pace.in_flight)
    unanswered: list[Mapping[str, Any]] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def wait(request: Mapping[str, Any], reply: asyncio.Future[ReceivedReply]) -> None:
        try:
            received = await asyncio.wait_for(reply, timeout_s)
        except TimeoutError:
            unanswered.append(request)
        else:
            on_reply(request, received)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as waiting:
            for number, request in enumerate(requests):
                if pace.rate is not None:
                    await asyncio.sleep(max(begun + number / pace.rate - loop.time(), 0))
                await places.acquire()
                reply = await caller.call(request)
                waiting.create_task(wait(request, reply))
    except ExceptionGroup as group:
        # All waiting requests fail for one reason, which is raised once.
        raise group.exceptions[0] from None
    return unanswered
