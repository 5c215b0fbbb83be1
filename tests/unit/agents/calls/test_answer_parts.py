"""Parts of an answer: which calls send them, and how they are merged; nobody waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from core.kafka.producer import Outgoing
from schemas.errors import DeliveryError
from schemas.records import Header, ReplyAddress
from schemas.topics import OUTCOMES
from streams.agents.calls.answer_parts import AnswerParts, parts_sent
from streams.client.answer_parts import correlation_of, read_part
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import AnswerDelta, ChatCall, ToolCallDelta
from tests.unit.agents.world import REGISTRY, World, deliver

ADDRESS = ReplyAddress(
    topic="llm.replies.gateway.v1",
    partition=3,
    key=b"r1",
    format="json",
    headers=(Header(name="correlation-id", value=b"c1"),),
    digest="d",
)


class Sent:
    """A publisher that keeps what it is given, or fails."""

    def __init__(self, fault: DeliveryError | None = None) -> None:
        self.records: list[Outgoing] = []
        self.news = asyncio.Event()
        self.fault = fault

    async def part(self, record: Outgoing) -> None:
        if self.fault is not None:
            raise self.fault
        self.records.append(record)
        self.news.set()

    def deltas(self) -> list[Any]:
        return [orjson.loads(record.value or b"")["delta"] for record in self.records]


def test_the_first_part_is_sent_at_once_and_later_ones_are_merged() -> None:
    async def scenario() -> None:
        sent, may_go_on = Sent(), asyncio.Event()

        async def pause(_: float) -> None:
            await may_go_on.wait()

        parts = AnswerParts(ADDRESS, "call-1", "small", sent, pause)
        async with parts_sent(parts) as take:
            assert take is not None
            take(AnswerDelta(content="An "))
            await sent.news.wait()
            sent.news.clear()
            for text in ("ans", "wer", "."):
                take(AnswerDelta(content=text))
            take(AnswerDelta(reasoning="Why"))
            may_go_on.set()
            await sent.news.wait()
            await asyncio.sleep(0)
        assert sent.deltas() == [
            {"content": "An "},
            {"content": "answer."},
            {"reasoning_content": "Why"},
        ]

    asyncio.run(scenario())


def test_a_part_is_addressed_like_the_reply_and_names_its_call() -> None:
    async def scenario() -> None:
        sent = Sent()
        async with parts_sent(AnswerParts(ADDRESS, "call-1", "small", sent)) as take:
            assert take is not None
            call = ToolCallDelta(index=0, call_id="t1", name="look", arguments="{")
            take(AnswerDelta(tool_call=call))
            await sent.news.wait()
        (record,) = sent.records
        assert (record.topic, record.partition, record.key) == (ADDRESS.topic, 3, b"r1")
        assert correlation_of(record.headers) == b"c1"
        part = read_part(record.headers, record.value)
        assert part is not None
        assert (part.call_id, part.sequence, part.model) == ("call-1", 0, "small")
        assert part.delta["tool_calls"][0] == {
            "index": 0,
            "id": "t1",
            "type": "function",
            "function": {"name": "look", "arguments": "{"},
        }

    asyncio.run(scenario())


def test_a_part_that_cannot_be_sent_does_not_disturb_the_call() -> None:
    async def scenario() -> None:
        sent = Sent(DeliveryError("the topic is gone"))
        async with parts_sent(AnswerParts(ADDRESS, "call-1", "small", sent)) as take:
            assert take is not None
            take(AnswerDelta(content="An "))
            await asyncio.sleep(0)
            take(AnswerDelta(content="answer"))
            await asyncio.sleep(0)
        assert sent.records == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("more", "policy", "streams"),
    [
        ({"stream": True}, "", False),
        ({"stream": True, "tier": "complex"}, "", True),
        ({"stream": False, "tier": "complex"}, "", False),
        ({"stream": True}, "  streaming: immediate\n", True),
        ({"stream": False}, "  streaming: immediate\n", False),
    ],
)
def test_an_answer_is_streamed_where_no_other_can_become_the_reply(
    more: dict[str, Any], policy: str, streams: bool
) -> None:
    asked: list[ChatCall] = []

    def script(call: ChatCall, _: Any) -> Any:
        asked.append(call)
        return text_answer("Paris is the capital of France.")

    async def scenario() -> None:
        world = World(script=script, registry=f"{REGISTRY.rstrip()}\n{policy}")
        deps = await world.worker()
        deps = replace(deps, kafka=replace(deps.kafka, parts=Sent()))
        await world.send(replace(world.request(), **more))
        await deliver(world, deps, set())

    asyncio.run(scenario())
    assert [call.on_delta is not None for call in asked] == [streams]


@pytest.mark.parametrize(("stream", "tiers"), [(True, ["simple"]), (False, ["simple", "moderate"])])
def test_a_stream_at_once_ends_the_cascade_at_its_first_answer(
    stream: bool, tiers: list[str]
) -> None:
    poor, good = "", "Paris is the capital of France."

    def script(call: ChatCall, _: Any) -> Any:
        return text_answer(poor if call.model == "gpt-4o-mini" else good)

    async def scenario() -> Any:
        world = World(script=script, registry=f"{REGISTRY.rstrip()}\n  streaming: immediate\n")
        deps = await world.worker()
        await world.send(replace(world.request(), stream=stream))
        await deliver(world, deps, set())
        return world.events(OUTCOMES, "OutcomeEvent")[-1]

    outcome = asyncio.run(scenario())
    assert outcome["kind"] == "replied"
    assert outcome["result"]["tiers_tried"] == tiers
