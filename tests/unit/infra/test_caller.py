"""A caller hears its reply, whatever else lies on the reply topic."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from infra.client.caller import CORRELATION_ID, Heard, KafkaCaller, _listen
from schemas.errors import LocalStackError

BAD = (None, b"", b"\xff", b"[]", b"1", b"null", b'{"status"', b"[" * 3_000)


class _Producer:
    def __init__(self) -> None:
        self.correlation = b""

    async def send_and_wait(self, topic: str, *, headers: Any, **_: Any) -> None:
        ((_, self.correlation),) = headers


async def _called() -> tuple[KafkaCaller, bytes, asyncio.Future[Heard]]:
    producer = _Producer()
    caller = KafkaCaller(producer)  # type: ignore[arg-type]
    future = await caller.call({"prompt": "Hi"})
    return caller, producer.correlation, future


def test_records_with_its_correlation_id_that_are_no_replies_are_passed_over() -> None:
    async def run() -> None:
        caller, correlation, future = await _called()
        for value in BAD:
            caller.hear(correlation, value)
        assert not future.done()
        caller.hear(correlation, b'{"status": "replied"}')
        assert (await future).reply == {"status": "replied"}
        assert caller.unreadable == len(BAD)

    asyncio.run(run())


def test_a_null_correlation_id_is_nobody_s() -> None:
    async def records() -> Any:
        yield SimpleNamespace(headers=[(CORRELATION_ID, None)], value=b"{}")

    async def run() -> None:
        caller, _, future = await _called()
        await _listen(records(), caller)  # type: ignore[arg-type]
        assert not future.done()

    asyncio.run(run())


def test_whoever_waits_is_told_when_the_topic_can_t_be_read_any_more() -> None:
    async def records() -> Any:
        raise RuntimeError("a defect")
        yield

    async def run() -> None:
        caller, _, future = await _called()
        await _listen(records(), caller)  # type: ignore[arg-type]
        with pytest.raises(LocalStackError):
            await future

    asyncio.run(run())
