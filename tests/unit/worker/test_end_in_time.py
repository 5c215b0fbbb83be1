"""A worker that is stopped ends, though a client waits for an unreachable broker."""

from __future__ import annotations

import asyncio

import pytest

from streams.worker.run import ends_in_time


def test_work_that_does_not_end_is_not_waited_for() -> None:
    async def scenario() -> bool:
        ordered, never = asyncio.Event(), asyncio.Event()

        async def hangs() -> None:
            await never.wait()

        work = asyncio.create_task(hangs())
        ordered.set()
        ended = await ends_in_time(work, ordered, 0.0)
        work.cancel()
        return ended

    assert not asyncio.run(scenario())


def test_work_has_all_the_time_before_the_order() -> None:
    async def scenario() -> bool:
        ordered, may_end = asyncio.Event(), asyncio.Event()

        async def serves() -> None:
            await may_end.wait()

        waiting = asyncio.create_task(ends_in_time(asyncio.create_task(serves()), ordered, 0.0))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        return await waiting

    assert asyncio.run(scenario())


def test_a_failure_ends_the_work_and_can_be_raised_later() -> None:
    async def scenario() -> None:
        async def fails() -> None:
            raise RuntimeError("x")

        work = asyncio.create_task(fails())
        assert await ends_in_time(work, asyncio.Event(), 60.0)
        await work

    with pytest.raises(RuntimeError):
        asyncio.run(scenario())
