"""A worker in which marked messages fail, or end it: only tests start it.

A message that contains `poison/AGENT/HOW.` fails in that agent each time that it is handled. HOW is
one of: `raise`, an exception; `leave`, which raises and requests an orderly shutdown; `exit`, which
ends the process at once; `late`, which ends it in the middle of a provider call.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from streams.agents import feedback, shadow, wait
from streams.agents.calls import provider_call
from streams.agents.classify import handler
from streams.agents.context.hop_progress import HopProgress
from streams.agents.execute import handler as execute
from streams.flow.dispatcher import Work
from streams.providers import exchange
from streams.providers.port import ChatCall
from streams.worker.run import run_worker
from streams.worker.settings import WorkerSettings

AGENTS = ("classify", "execute", "wait", "feedback", "shadow")
_MARK = re.compile(rb"poison/([a-z]+)/([a-z]+)\.")
_EXIT_STATUS = 9


class PoisonError(Exception):
    """An unexpected error."""


def mark(agent: str, how: str) -> str:
    """The mark of a message that fails in this agent in this way."""
    return f"poison/{agent}/{how}."


def how(agent: str, work: Work) -> str | None:
    """How a message is to fail in this agent; `None` for one that is not marked for it."""
    found = _MARK.search(work.message.value or b"")
    if found is None or found[1].decode() != agent:
        return None
    return found[2].decode()


def strike(agent: str, work: Work) -> None:
    """Fail, if the message is marked so."""
    way = how(agent, work)
    if way == "exit":
        os._exit(_EXIT_STATUS)
    if way == "leave":
        os.kill(os.getpid(), signal.SIGTERM)
    if way in {"raise", "leave"}:
        raise PoisonError


def _poisoned(agent: str, good: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def handle(work: Work, *more: Any) -> None:
        strike(agent, work)
        await good(work, *more)

    return handle


def poison() -> None:
    """Make marked messages fail from now on, in this process."""
    good_draw, good_shadow = shadow.draw_shadow, shadow.make_shadow
    good_complete = exchange.complete

    def draw(progress: HopProgress, *more: Any) -> Any:
        return object() if how("shadow", progress.hop.work) else good_draw(progress, *more)

    async def shadow_call(progress: HopProgress, *more: Any) -> None:
        strike("shadow", progress.hop.work)
        await good_shadow(progress, *more)

    async def complete(call: ChatCall, *more: Any) -> Any:
        if b"poison/execute/late." in call.body["messages"][0]["content"].encode():
            os._exit(_EXIT_STATUS)
        return await good_complete(call, *more)

    for module, name, agent in (
        (handler, "classify", "classify"),
        (execute, "execute", "execute"),
        (feedback, "take_feedback", "feedback"),
        (wait, "wait_out", "wait"),
    ):
        setattr(module, name, _poisoned(agent, getattr(module, name)))
    setattr(execute, "draw_shadow", draw)  # noqa: B010
    setattr(execute, "make_shadow", shadow_call)  # noqa: B010
    setattr(provider_call, "complete", complete)  # noqa: B010


if __name__ == "__main__":
    poison()
    run_worker(WorkerSettings())
