"""A streamed answer is the plain one: the same completion, and deltas that join to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from infra.simulator.call_facts import count_tokens
from streams.providers.exchange import EndedCall
from streams.providers.port import AnswerDelta, Completion
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry
from streams.routing.selection.candidates import Candidate
from tests.unit.providers.test_capabilities import ACCEPTED
from tests.unit.providers.test_exchange import WHO
from tests.unit.providers.world import FORMATS, MODELS, chat, run, simulated

REGISTRY = """
tiers: [moderate, complex]
models:
  gpt-4o: {provider: openai, tier: moderate,
    instances: [{name: one, base_url: "http://localhost/1"}]}
  claude-opus-4-20250514: {provider: anthropic, tier: complex,
    instances: [{name: one, base_url: "http://localhost/2"}]}
"""


def joined(parts: Iterable[AnswerDelta]) -> dict[str, Any]:
    """The message that deltas alone give."""
    message: dict[str, Any] = {"content": "", "tool_calls": []}
    for each in parts:
        message["content"] += each.content
        call = each.tool_call
        if call is None:
            continue
        if call.index == len(message["tool_calls"]):
            function = {"name": call.name, "arguments": ""}
            message["tool_calls"].append(
                {"id": call.call_id, "type": "function", "function": function}
            )
        else:
            assert (call.call_id, call.name) == (None, None)
        message["tool_calls"][call.index]["function"]["arguments"] += call.arguments
    return message


def says_the_same(completion: Completion, parts: Iterable[AnswerDelta]) -> bool:
    message, found = completion.message, joined(parts)
    return bool(
        found["content"] == (message["content"] or "")
        and found["tool_calls"] == message.get("tool_calls", [])
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", ACCEPTED)
def test_every_request_gets_the_same_answer_streamed(name: str, what: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            plain = await wire.ask(**ACCEPTED[what])
            streamed, parts = await wire.stream(**ACCEPTED[what])
            assert streamed == plain
            assert says_the_same(streamed, parts)

    run(case())


CALLS: dict[str, dict[str, Any]] = {
    "text": {"messages": [{"role": "user", "content": "Explain Kafka to me, in many words."}]},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "cut to its limit": {"max_tokens": 3},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", CALLS)
def test_a_cost_event_of_a_streamed_call_equals_that_of_the_plain_one(name: str, what: str) -> None:
    model = parse_registry(REGISTRY).snapshot.models[MODELS[name]]
    candidate = Candidate(model=model, instance=model.instances[0])
    prices = PriceBook()

    def event(completion: Completion) -> Any:
        call = EndedCall(
            call_id="c", started_at=1, latency_ms=2.0, completion=completion, error=None
        )
        price = call.price(lambda usage: prices.cost_of(model, usage))
        return call.cost_event(candidate, price, **WHO)

    async def case() -> None:
        async with simulated(name, caches=True) as wire:
            body = dict(CALLS[what])
            await wire.ask(**body)
            plain = event(await wire.ask(**body))
            streamed = event((await wire.stream(**body))[0])
            assert plain == streamed
            assert plain.cost_nano is not None
            assert wire.running is not None
            lines = wire.running.ledger.lines(1)
            assert lines[0]["output_tokens"] == streamed.output_tokens

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_parts_arrive_while_the_answer_is_made(name: str) -> None:
    async def case() -> None:
        async with simulated(name, latency_ms=600) as wire:
            arrived = asyncio.Event()
            parts: list[AnswerDelta] = []

            def note(part: AnswerDelta) -> None:
                parts.append(part)
                arrived.set()

            call = replace(chat(MODELS[name]), on_delta=note)
            task = asyncio.create_task(wire.provider.complete(call, wire.endpoint))
            await arrived.wait()
            early = len(parts)
            await task
            assert early < len(parts)
            assert all(count_tokens(part.content) < 20 for part in parts)

    run(case())
