"""Orderly shutdown: work in flight ends, offsets are committed, the group is left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import faust

from schemas.errors import SluiceError
from streams.agents.calls.interrupted_calls import book_open_calls
from streams.agents.context.dependencies import Dependencies
from streams.flow.dispatcher import TopicDispatcher
from streams.worker.container import WorkerContainer

log = logging.getLogger(__name__)

_COMMIT_S = 2.0
_LEAVE_S = 5.0


async def leave(
    app: faust.App,
    parts: WorkerContainer,
    intakes: Mapping[str, TopicDispatcher],
    deps: Dependencies | None,
    drain_s: float,
) -> None:
    """Open no more messages and leave the group; work in flight has `drain_s` to end."""
    parts.assignment.close()
    if parts.keeps_name:
        await _drain(app, intakes, deps, drain_s)
    else:
        # Hops, offsets and membership belong to the namesake now.
        await _book_open_calls(deps)
        for intake in intakes.values():
            intake.abandon()
    try:
        await asyncio.wait_for(app.stop(), _LEAVE_S)
    except TimeoutError:
        log.warning(
            "the consumer did not leave its group in time; its session timeout frees its partitions"
        )


async def _drain(
    app: faust.App,
    intakes: Mapping[str, TopicDispatcher],
    deps: Dependencies | None,
    drain_s: float,
) -> None:
    """End work in flight, commit, and leave the group on stop."""
    drained = asyncio.gather(*(intake.drained() for intake in intakes.values()))
    try:
        await asyncio.wait_for(drained, drain_s)
    except TimeoutError:
        log.warning(
            "work in progress did not end in time; other workers continue it from the journal"
        )
        await _book_open_calls(deps)
    try:
        await asyncio.wait_for(_committed(app), _COMMIT_S)
    except Exception as error:  # noqa: BLE001 - uncommitted offsets are only read again
        log.warning("cannot commit the last offsets, their messages are read again: %s", error)
    consumer: Any = app.consumer
    try:
        await asyncio.wait_for(consumer.thread.give_up(), _COMMIT_S)
    except Exception as error:  # noqa: BLE001 - whoever follows takes this for a crash
        log.warning(
            "cannot release the partitions in order, their next owner treats this as a crash: %s",
            error,
        )
    consumer.give_up_name()


async def _committed(app: faust.App) -> None:
    """Commit released offsets. Faust skips a commit while one is in progress, which may have begun
    before the last release.
    """
    if not await app.consumer.commit():
        await app.consumer.commit()


async def _book_open_calls(deps: Dependencies | None) -> None:
    """Record open calls, so that they do not count as work that ended a worker."""
    if deps is None:
        return
    try:
        async with asyncio.timeout(_COMMIT_S):
            await book_open_calls(deps.calls, deps.kafka)
    except (TimeoutError, SluiceError) as error:
        log.warning("cannot record calls in progress: %s", error)
