"""Every feature of a request reaches a strict simulator of each format, and returns."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from infra.workload.sample import load_workload
from tests.unit.providers.world import FORMATS, Wire, run, simulated

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg"
    "GAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 1}},
    "required": ["city", "people"],
}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call:with.odd/characters",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call:with.odd/characters", "content": "4 degrees"}

ACCEPTED: dict[str, dict[str, Any]] = {
    "a system prompt": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ]
    },
    "system and developer turns in between": {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Are you there?"},
        ]
    },
    "a system prompt alone": {"messages": [{"role": "system", "content": "Say something."}]},
    "many turns": {
        "messages": [
            {"role": role, "content": f"turn {number}"}
            for number in range(10)
            for role in ("user", "assistant")
        ]
        + [{"role": "user", "content": "and now?"}]
    },
    "an assistant turn first and last": {
        "messages": [
            {"role": "assistant", "content": "Welcome."},
            {"role": "user", "content": "Finish it:"},
            {"role": "assistant", "content": "Once upon a time "},
        ]
    },
    "empty and white turns": {
        "messages": [
            {"role": "user", "content": " "},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "Hello"},
        ]
    },
    "pictures": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What differs?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                    {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
                ],
            }
        ]
    },
    "tools, one forbidden at a time": {"tools": [WEATHER], "parallel_tool_calls": False},
    "a tool's call and its result": {
        "messages": [{"role": "user", "content": "How warm is it?"}, CALLED, RESULT],
        "tools": [WEATHER],
    },
    "a tool that is no longer offered": {
        "messages": [
            {"role": "user", "content": "How warm is it?"},
            CALLED,
            RESULT,
            {"role": "user", "content": "Thanks."},
        ]
    },
    "arguments that are no object": {
        "messages": [
            {"role": "user", "content": "How warm is it?"},
            {
                **CALLED,
                "tool_calls": [
                    {
                        **CALLED["tool_calls"][0],  # type: ignore[index]
                        "function": {"name": "weather", "arguments": "{broken"},
                    }
                ],
            },
            RESULT,
        ],
        "tools": [WEATHER],
    },
    "sampling and stop": {
        "temperature": 1.7,
        "top_p": 0.9,
        "stop": ["END", "\n"],
        "seed": 7,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
    },
    "one stop": {"stop": "END"},
    "a service tier and a user": {"service_tier": "auto", "safety_identifier": "u1"},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", ACCEPTED)
def test_a_strict_provider_accepts_it_and_answers(name: str, what: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            found = await wire.ask(**ACCEPTED[what])
            assert found.message["role"] == "assistant"
            assert found.message["content"]
            assert found.finish_reason == "stop"

    run(case())


@pytest.mark.parametrize("model", ["o1", "gpt-5", "gpt-4o", "gpt-3.5-turbo"])
def test_parameters_that_a_model_rejects_are_omitted(model: str) -> None:
    async def case() -> None:
        async with simulated("openai") as wire:
            found = await wire.ask(
                model=model,
                temperature=0.2,
                top_p=0.5,
                stop=["x"],
                logprobs=True,
                top_logprobs=2,
                presence_penalty=0.1,
                reasoning_effort="low",
                max_tokens=500,
            )
            assert found.message["content"]

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_demanded_tool_is_called_with_its_arguments(name: str) -> None:
    async def case(choice: Any) -> None:
        async with simulated(name) as wire:
            found = await wire.ask(tools=[WEATHER], tool_choice=choice)
            call = found.message["tool_calls"][0]
            assert found.finish_reason == "tool_calls"
            assert (call["type"], call["function"]["name"]) == ("function", "weather")
            assert orjson.loads(call["function"]["arguments"]) == {"city": "example"}
            assert call["id"]

            # The call and its result are accepted as turns.
            again = await wire.ask(
                tools=[WEATHER],
                messages=[
                    {"role": "user", "content": "How warm is it?"},
                    found.message,
                    {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"},
                ],
            )
            assert again.finish_reason == "stop"

    run(case("required"))
    run(case({"type": "function", "function": {"name": "weather"}}))


@pytest.mark.parametrize("name", FORMATS)
def test_a_tool_may_be_forbidden(name: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            found = await wire.ask(tools=[WEATHER], tool_choice="none")
            assert "tool_calls" not in found.message

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_json_of_a_schema_is_returned_as_text(name: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            found = await wire.ask(
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "city", "schema": CITY},
                }
            )
            assert orjson.loads(found.message["content"]) == {"city": "example", "people": 1}
            assert found.finish_reason == "stop"
            assert "tool_calls" not in found.message

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_any_json_and_json_with_tools_are_accepted(name: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            messages_in = [{"role": "user", "content": "Answer in JSON: who are you?"}]
            wanted = {"type": "json_object"}
            assert (await wire.ask(messages=messages_in, response_format=wanted)).message["content"]
            with_tools = await wire.ask(
                messages=messages_in, response_format=wanted, tools=[WEATHER], tool_choice="auto"
            )
            assert with_tools.message["content"]

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_written_tool_call_of_the_workload_arrives_as_written(name: str) -> None:
    item = next(
        item for item in load_workload() if (item.answers["complex"].get("tool_calls") or ())
    )
    model = {"openai": "o1", "anthropic": "claude-opus-4-20250514"}[name]
    written = item.answers["complex"]["tool_calls"]
    body = {key: item.request[key] for key in ("tools", "messages") if key in item.request}
    body.setdefault("messages", [{"role": "user", "content": item.prompt}])

    async def case() -> None:
        async with simulated(name) as wire:
            found = await wire.ask(model=model, **body)
            arrived = [
                (call["function"]["name"], orjson.loads(call["function"]["arguments"]))
                for call in found.message["tool_calls"]
            ]
            assert arrived == [(call["name"], call["arguments"]) for call in written]

    run(case())


def test_requested_logprobs_are_in_order() -> None:
    async def case() -> None:
        async with simulated("openai") as wire:
            found = await wire.ask(logprobs=True)
            assert found.logprobs
            assert all(value <= 0 for value in found.logprobs)
            assert (await wire.ask()).logprobs is None

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_at_its_limit_has_finish_reason_length(name: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            found = await wire.ask(max_tokens=3)
            assert (found.finish_reason, found.usage.output_tokens) == ("length", 3)

    run(case())


def _billed(wire: Wire) -> dict[str, Any]:
    assert wire.running is not None
    return wire.running.ledger.lines(1)[0]


@pytest.mark.parametrize("name", FORMATS)
def test_cached_tokens_are_counted_as_the_provider_billed_them(name: str) -> None:
    async def case() -> None:
        async with simulated(name, caches=True) as wire:
            messages = [{"role": "user", "content": "long " * 4_000}]
            first, second = [await wire.ask(messages=messages) for _ in range(2)]
            line = _billed(wire)
            assert not first.usage.cache_read_tokens
            assert second.usage.cache_read_tokens == line["cache_read_tokens"] == 1_024
            assert second.usage.input_tokens == line["input_tokens"] == first.usage.input_tokens

    run(case())


def test_a_prefix_that_anthropic_wrote_to_its_cache_is_counted_as_written() -> None:
    async def case() -> None:
        async with simulated("anthropic") as wire:
            found = await wire.ask(
                messages=[{"role": "user", "content": "long " * 4_000}],
                extra_body={"cache_control": {"type": "ephemeral"}},
            )
            line = _billed(wire)
            assert found.usage.cache_write_tokens == line["cache_write_tokens"] == 1_024
            assert found.usage.input_tokens == line["input_tokens"]

    run(case())


def test_reasoning_tokens_are_separate_and_part_of_the_output() -> None:
    async def case() -> None:
        async with simulated("openai") as wire:
            found = await wire.ask(model="o1")
            line = _billed(wire)
            assert found.usage.reasoning_tokens == line["reasoning_tokens"] > 0
            assert found.usage.output_tokens == line["output_tokens"]
            assert found.usage.output_tokens > found.usage.reasoning_tokens

    run(case())
