"""Streams have the vendors' own form, the plain answer's content, and faults in their middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import orjson
import pytest
from anthropic.types import RawMessageStreamEvent
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel, TypeAdapter

from streams.providers.http.event_stream import EventStreamParser, ServerSentEvent
from tests.unit.simulator.world import FORMATS, MODELS, Caller, calling, run

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "x": {"const": "y" * 60}}}
TOOLS = {
    "openai": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": WEATHER}}],
        "tool_choice": "required",
    },
    "anthropic": {
        "tools": [{"name": "f", "input_schema": WEATHER}],
        "tool_choice": {"type": "any"},
    },
}
PROMPT = "Explain Kafka to me, in many words."


async def events(caller: Caller, prompt: str = PROMPT, **body: Any) -> list[ServerSentEvent]:
    answer = await caller.ask(prompt, stream=True, **body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return EventStreamParser().feed(answer.content)


def extras(value: Any) -> Iterator[str]:
    """The fields that a vendor's type does not name, at any depth."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from extras(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from extras(each)


@pytest.mark.parametrize("more", [{}, {"logprobs": True, "top_logprobs": 1}, TOOLS["openai"]])
def test_openai_s_chunks_are_those_of_its_sdk(more: dict[str, Any]) -> None:
    async def case() -> None:
        async with calling() as caller:
            options = {"include_usage": True}
            *chunks, done = await events(caller, stream_options=options, **more)
            assert done == ServerSentEvent("", b"[DONE]")
            read = [ChatCompletionChunk.model_validate_json(each.data) for each in chunks]
            assert not list(extras(read))
            assert len({(each.id, each.created, each.model) for each in read}) == 1
            first, *pieces, finish, usage = read
            assert first.choices[0].delta.role == "assistant"
            assert all(each.choices[0].finish_reason is None for each in (first, *pieces))
            assert all(orjson.loads(each.data)["usage"] is None for each in chunks[:-1])
            assert finish.choices[0].finish_reason == ("tool_calls" if "tools" in more else "stop")
            assert usage.choices == []
            assert usage.usage is not None
            assert (
                usage.usage.completion_tokens == caller.running.ledger.lines(1)[0]["output_tokens"]
            )
            if "logprobs" in more:
                tokens = [each.choices[0].logprobs for each in pieces]
                assert all(each is not None and each.content for each in tokens)

    run(case())


def test_openai_sends_usage_only_on_request_and_padding_unless_refused() -> None:
    async def case() -> None:
        async with calling() as caller:
            for options in (None, {"include_usage": False, "include_obfuscation": False}):
                *chunks, _ = await events(caller, stream_options=options)
                documents = [orjson.loads(each.data) for each in chunks]
                assert not any("usage" in each for each in documents)
                assert all(each["choices"] for each in documents)
                padded = options is None
                assert all(("obfuscation" in each) is padded for each in documents)

    run(case())


def test_openai_refuses_stream_options_without_a_stream() -> None:
    async def case() -> None:
        async with calling() as caller:
            answer = await caller.ask(stream_options={"include_usage": True})
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "stream_options")

    run(case())


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "max_tokens": 2_000}


@pytest.mark.parametrize("more", [{}, TOOLS["anthropic"], THINKING])
def test_anthropic_s_events_are_those_of_its_sdk(more: dict[str, Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

    async def case() -> None:
        async with calling("anthropic") as caller:
            found = await events(caller, **more)
            documents = [orjson.loads(each.data) for each in found]
            assert [each.name for each in found] == [each["type"] for each in documents]
            kinds = [each.name for each in found]
            assert kinds[0] == "message_start"
            assert kinds[-2:] == ["message_delta", "message_stop"]
            assert "ping" in kinds
            read = [adapter.validate_python(each) for each in documents if each["type"] != "ping"]
            assert not list(extras(read))
            assert read[0].message.content == []
            assert read[0].message.usage.output_tokens == 1
            line = caller.running.ledger.lines(1)[0]
            assert read[-2].usage.output_tokens == line["output_tokens"]
            starts = [each.index for each in read if each.type == "content_block_start"]
            assert starts == list(range(len(starts)))

    run(case())


@pytest.mark.parametrize("body", [{}, TOOLS["openai"]])
def test_openai_s_sdk_reads_the_plain_answer_from_the_stream(body: dict[str, Any]) -> None:
    async def case() -> None:
        async with calling() as caller:
            client = openai.AsyncOpenAI(base_url=caller.running.url + "/v1", api_key="x")
            async with client:
                messages = [{"role": "user", "content": PROMPT}]
                call: dict[str, Any] = {"model": MODELS["openai"], "messages": messages, **body}
                headers = {"X-Client-Request-Id": "call-1"}
                plain = await client.chat.completions.create(**call, extra_headers=headers)
                async with client.chat.completions.stream(**call, extra_headers=headers) as stream:
                    streamed = await stream.get_final_completion()
            one, other = plain.choices[0], streamed.choices[0]
            assert one.message.content == other.message.content
            assert one.finish_reason == other.finish_reason
            calls = [
                [(each.id, each.function.name, each.function.arguments) for each in tools or ()]
                for tools in (one.message.tool_calls, other.message.tool_calls)
            ]
            assert calls[0] == calls[1]

    run(case())


@pytest.mark.parametrize("body", [{}, TOOLS["anthropic"], THINKING])
def test_anthropic_s_sdk_reads_the_plain_answer_from_the_stream(body: dict[str, Any]) -> None:
    async def case() -> None:
        async with calling("anthropic") as caller:
            client = anthropic.AsyncAnthropic(base_url=caller.running.url, api_key="x")
            async with client:
                messages = [{"role": "user", "content": PROMPT}]
                call: dict[str, Any] = {"model": MODELS["anthropic"], "messages": messages,
                                        "max_tokens": 500, **body}  # fmt: skip
                headers = {"X-Client-Request-Id": "call-1"}
                plain = await client.messages.create(**call, extra_headers=headers)
                async with client.messages.stream(**call, extra_headers=headers) as stream:
                    streamed = await stream.get_final_message()
            wanted, found = (each.model_dump(exclude_none=True) for each in (plain, streamed))
            for block in found["content"]:
                block.pop("parsed_output", None)
            assert found == wanted

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_the_latency_is_spread_over_the_pieces(name: str) -> None:
    async def case() -> None:
        async with calling(name, latency_ms=300, latency_p95_ms=300) as caller:
            loop = asyncio.get_running_loop()
            start, first = loop.time(), 0.0
            body = {"model": MODELS[name], "max_tokens": 500, "stream": True,
                    "messages": [{"role": "user", "content": PROMPT}]}  # fmt: skip
            path = "/v1/messages" if name == "anthropic" else "/v1/chat/completions"
            headers = {"anthropic-version": "2023-06-01"}
            async with caller.http.stream("POST", path, json=body, headers=headers) as answer:
                async for _ in answer.aiter_raw():
                    first = first or loop.time() - start
            whole = loop.time() - start
            assert first < whole
            assert whole >= 0.25

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_is_in_the_ledger_before_its_last_frame(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            await events(caller)
            line = caller.running.ledger.lines(1)[0]
            assert (line["event"], line["status"], line["client"]) == ("ended", 200, True)
            assert line["cost_nano"] > 0

    run(case())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["cut", "error_event", "stall", "bad_json", "giant"])
def test_a_fault_strikes_in_the_middle_of_a_stream_which_is_billed(name: str, kind: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            faults = {"faults": [{"kind": kind}]}
            assert (await caller.http.put("/admin/faults", json=faults)).status_code == 200
            received = b""
            body = {"model": MODELS[name], "max_tokens": 500, "stream": True,
                    "messages": [{"role": "user", "content": PROMPT}]}  # fmt: skip
            path = "/v1/messages" if name == "anthropic" else "/v1/chat/completions"
            headers = {"anthropic-version": "2023-06-01"}
            ended = "whole"
            try:
                async with caller.http.stream(
                    "POST", path, json=body, headers=headers, timeout=0.3
                ) as answer:
                    async for piece in answer.aiter_raw():
                        received += piece
            except httpx.RemoteProtocolError:
                ended = "cut"
            except httpx.ReadTimeout:
                ended = "stalled"
            assert ended == {"cut": "cut", "stall": "stalled"}.get(kind, "whole")
            assert b"[DONE]" not in received
            assert b"message_stop" not in received
            half = len(received)
            assert half > 0
            assert (b'"error"' in received) is (kind == "error_event")
            line = caller.running.ledger.lines(1)[0]
            assert (line["status"], line["fault"]) == (200, kind)
            assert line["cost_nano"] > 0

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_caller_that_leaves_is_billed_and_recorded(name: str) -> None:
    async def case() -> None:
        async with calling(name, latency_ms=60_000) as caller:
            with pytest.raises(httpx.ReadTimeout):
                await caller.http.post(
                    "/v1/messages" if name == "anthropic" else "/v1/chat/completions",
                    json={"model": MODELS[name], "max_tokens": 5, "stream": True,
                          "messages": [{"role": "user", "content": PROMPT}]},
                    headers={"anthropic-version": "2023-06-01"},
                    timeout=0.05,
                )  # fmt: skip
            async with asyncio.timeout(10):
                while caller.running.ledger.totals()["open"]:  # noqa: ASYNC110 - told to nobody
                    await asyncio.sleep(0.01)
            line = caller.running.ledger.lines(1)[0]
            assert (line["client"], line["status"]) == (False, 200)
            assert line["cost_nano"] > 0

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_the_faults_of_streams_have_a_form_for_plain_calls(name: str) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            faults = {"faults": [{"kind": "error_event"}]}
            await caller.http.put("/admin/faults", json=faults)
            wanted = {"openai": 503, "anthropic": 529}
            assert (await caller.ask()).status_code == wanted[name]
            await caller.http.put("/admin/faults", json={"faults": [{"kind": "stall"}]})
            caller.http.timeout = httpx.Timeout(0.2)
            with pytest.raises(httpx.ReadTimeout):
                await caller.ask()

    run(case())
