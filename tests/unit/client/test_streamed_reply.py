"""Parts of an answer that a client takes while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from schemas.errors import AnswerChangedError, RejectedRequestError
from schemas.gateway.headers import STREAM, YES
from streams.client.client import SluiceClient
from streams.client.in_memory_connection import Answering, MemoryPipeline, answered, unanswered
from streams.client.settings import ClientSettings

WHOLE = "One two three."


def _run(
    case: Callable[[SluiceClient], Coroutine[Any, Any, None]],
    *parts: str,
    answering: Answering = lambda request: answered(request, WHOLE),
) -> MemoryPipeline:
    pipeline = MemoryPipeline(answering)
    pipeline.parts = [{"content": part} for part in parts]

    async def scenario() -> None:
        settings = ClientSettings(bootstrap_servers="nowhere:1")
        async with asyncio.timeout(20), SluiceClient(settings, connect=pipeline.connect) as client:
            await case(client)

    asyncio.run(scenario())
    return pipeline


@pytest.mark.parametrize("parts", [(), ("One ", "two "), ("One ", "two ", "three.")])
def test_the_parts_together_are_the_whole_answer(parts: tuple[str, ...]) -> None:
    async def case(client: SluiceClient) -> None:
        stream = client.stream("Count.", tier="simple")
        found = [part async for part in stream]
        assert "".join(part.text for part in found) == WHOLE
        assert [part.sequence for part in found] == list(range(len(found)))
        assert stream.reply is not None
        assert stream.reply.text == WHOLE

    pipeline = _run(case, *parts)
    assert (STREAM, YES) in pipeline.publisher.records[0].headers


def test_a_plain_request_asks_for_no_parts() -> None:
    async def case(client: SluiceClient) -> None:
        await client.ask("Count.")

    assert STREAM not in dict(_run(case).publisher.records[0].headers)


def test_tool_calls_come_as_deltas() -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}

    async def case(client: SluiceClient) -> None:
        deltas = [part.delta async for part in client.stream("Call f.")]
        assert deltas[0]["tool_calls"][0]["function"]["name"] == "f"
        assert deltas[-1]["tool_calls"][0]["function"]["arguments"] == "{}"

    _run(case, answering=lambda request: {**answered(request, ""), "message": message})


@pytest.mark.parametrize("change", [{"call_id": "c2"}, {"message": {"content": "Another."}}])
def test_another_answer_after_parts_is_an_error(change: dict[str, Any]) -> None:
    async def case(client: SluiceClient) -> None:
        stream = client.stream("Count.")
        with pytest.raises(AnswerChangedError):
            [part async for part in stream]
        assert stream.reply is None

    _run(case, "One ", answering=lambda request: {**answered(request, WHOLE), **change})


def test_a_rejected_request_raises_from_its_stream() -> None:
    async def case(client: SluiceClient) -> None:
        with pytest.raises(RejectedRequestError):
            [part async for part in client.stream("Count.")]

    _run(case, answering=lambda request: unanswered(request, "rejected", "invalid_request"))


def test_a_stream_that_is_left_early_waits_no_more() -> None:
    async def case(client: SluiceClient) -> None:
        parts = aiter(client.stream("Count."))
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]
        assert len(client._pending) == 0

    _run(case, "One ")
