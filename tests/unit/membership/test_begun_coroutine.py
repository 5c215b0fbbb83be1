"""A coroutine that is begun without a task ends as it would in one."""

from __future__ import annotations

import asyncio

import pytest

from streams.membership.begun_coroutine import begin


def test_a_coroutine_without_a_wait_is_done_at_once() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begin(work()) is None
    assert done == [1]


def test_an_error_before_the_first_wait_is_raised_at_once() -> None:
    async def work() -> None:
        raise ValueError("early")

    with pytest.raises(ValueError, match="early"):
        begin(work())


def test_the_rest_runs_in_a_task() -> None:
    async def case() -> None:
        gate, done = asyncio.Event(), []

        async def work() -> None:
            await gate.wait()
            await asyncio.sleep(0)
            done.append(1)

        rest = begin(work())
        assert rest is not None
        task = asyncio.ensure_future(rest)
        await asyncio.sleep(0)
        assert not done
        gate.set()
        await task
        assert done == [1]

    asyncio.run(case())


def test_a_late_error_and_a_cancellation_reach_the_coroutine() -> None:
    async def case() -> None:
        gate, seen = asyncio.Event(), []

        async def work() -> None:
            try:
                await gate.wait()
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        rest = begin(work())
        assert rest is not None
        task = asyncio.ensure_future(rest)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["cancelled"]

        async def fails() -> None:
            await asyncio.sleep(0)
            raise ValueError("late")

        rest = begin(fails())
        assert rest is not None
        with pytest.raises(ValueError, match="late"):
            await rest

    asyncio.run(case())
