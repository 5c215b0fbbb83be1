"""Streams in OpenAI's format, of OpenAI and of the servers that differ from it."""

from __future__ import annotations

from typing import Any

import pytest

from streams.providers.port import AnswerDelta, Completion, ErrorClass, ToolCallDelta, Usage
from tests.unit.providers.streamed.test_whole_streams import joined, says_the_same
from tests.unit.providers.world import HI, answering, frames, good, is_class, run, served, streaming

DONE = b"[DONE]"
USED = {"prompt_tokens": 9, "completion_tokens": 3}
COUNTED = Usage(input_tokens=9, output_tokens=3)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "choices": [choice]}


def final(**usage: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [], "usage": usage or USED}


def read(*events: Any, **body: Any) -> tuple[Completion, list[AnswerDelta]]:
    async def case() -> Any:
        async with served("openai", streaming(frames(*events))) as (wire, _):
            return await wire.stream(**body)

    found: tuple[Completion, list[AnswerDelta]] = run(case())
    return found


def plain(document: Any, **body: Any) -> Completion:
    async def case() -> Any:
        async with served("openai", answering(document)) as (wire, _):
            return await wire.ask(**body)

    found: Completion = run(case())
    return found


def call(index: int | None, arguments: Any = "", **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in more:
        function["name"] = more.pop("name")
    place = {} if index is None else {"index": index}
    return {**place, **more, "function": function}


TEXT = [chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo."),
        chunk("stop"), final(), DONE]  # fmt: skip


def test_a_streamed_answer_is_the_plain_one() -> None:
    completion, parts = read(*TEXT)
    assert completion == plain(good("openai"))
    assert [part.content for part in parts] == ["Hel", "lo."]


def test_usage_is_requested_and_a_stream_without_it_has_none() -> None:
    async def case() -> None:
        async with served("openai", streaming(frames(*TEXT[:-2], DONE))) as (wire, received):
            completion, _ = await wire.stream()
            assert received.bodies[0]["stream"] is True
            assert received.bodies[0]["stream_options"] == {"include_usage": True}
            assert completion.usage == Usage()

    async def unstreamed() -> None:
        async with served("openai", answering(good("openai"))) as (wire, received):
            await wire.ask()
            assert not {"stream", "stream_options"} & received.bodies[0].keys()

    run(case())
    run(unstreamed())


PARALLEL: dict[str, list[Any]] = {
    "OpenAI": [
        [call(0, id="a", name="f")], [call(0, '{"x"')], [call(0, ":1}")],
        [call(1, id="b", name="g")], [call(1, "{}")],
    ],
    "Gemini: whole calls, all with index 0": [
        [call(0, '{"x":1}', id="a", name="f")], [call(0, "{}", id="b", name="g")],
    ],
    "whole calls in one chunk": [
        [call(0, '{"x":1}', id="a", name="f"), call(1, "{}", id="b", name="g")],
    ],
    "the id in every part": [
        [call(0, id="a", name="f")], [call(0, '{"x":1}', id="a")],
        [call(1, "{}", id="b", name="g")],
    ],
    "no index": [
        [call(None, '{"x"', id="a", name="f")], [call(None, ":1}")],
        [call(None, "{}", id="b", name="g")],
    ],
    "interleaved": [
        [call(0, '{"x"', id="a", name="f"), call(1, "{", id="b", name="g")],
        [call(1, "}"), call(0, ":1}")],
    ],
    "the name after the id": [
        [call(0, '{"x"', id="a")], [call(0, ":1}", name="f")], [call(1, "{}", id="b", name="g")],
    ],
    "arguments as an object": [
        [call(0, {"x": 1}, id="a", name="f")], [call(1, {}, id="b", name="g")],
    ],
}  # fmt: skip


@pytest.mark.parametrize("server", PARALLEL)
def test_parallel_tool_calls_are_told_apart(server: str) -> None:
    chunks = [chunk(tool_calls=each) for each in PARALLEL[server]]
    completion, parts = read(chunk(role="assistant", content=None), *chunks,
                             chunk("tool_calls"), final(), DONE)  # fmt: skip
    assert completion.message["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert completion.message["content"] is None
    assert completion.finish_reason == "tool_calls"
    assert says_the_same(completion, parts)


def test_deltas_have_the_ids_of_the_message_also_where_the_server_s_are_repeated_or_missing() -> (
    None
):
    earlier = {"role": "assistant", "content": None, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}  # fmt: skip
    messages = [*HI, earlier, {"role": "tool", "tool_call_id": "a", "content": "x"}]
    completion, parts = read(
        chunk(tool_calls=[call(0, "{}", id="a", name="f")]),
        chunk(tool_calls=[call(1, "{}", name="g")]),
        chunk("tool_calls"), final(), DONE, messages=messages,
    )  # fmt: skip
    ids = [each["id"] for each in completion.message["tool_calls"]]
    assert len({"a", *ids}) == 3
    assert says_the_same(completion, parts)


def test_a_thought_signature_of_a_streamed_call_is_kept() -> None:
    signed = call(0, "{}", id="a", name="f", extra_content={"google": {"thought_signature": "s"}})
    completion, _ = read(chunk(tool_calls=[signed]), chunk("tool_calls"), final(), DONE)
    kept = completion.message["tool_calls"][0]["extra_content"]
    assert kept == {"google": {"thought_signature": "s"}}


REASONED: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "reasoning_content": (
        [chunk(reasoning_content="h"), chunk(reasoning_content="m")],
        {"reasoning_content": "hm"},
    ),
    "reasoning": ([chunk(reasoning="h"), chunk(reasoning="m")], {"reasoning": "hm"}),
    "both": (
        [chunk(reasoning="hm", reasoning_content="hm")],
        {"reasoning": "hm", "reasoning_content": "hm"},
    ),
    "parts": (
        [chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": each}]}])
         for each in "hm"],
        {"reasoning_content": "hm"},
    ),
    "details": (
        [
            chunk(reasoning="h", reasoning_details=[
                {"type": "reasoning.text", "index": 0, "text": "h", "format": "f"}]),
            chunk(reasoning="m", reasoning_details=[
                {"type": "reasoning.text", "index": 0, "text": "m", "signature": "s"}]),
        ],
        {
            "reasoning": "hm",
            "reasoning_details": [
                {"type": "reasoning.text", "index": 0, "text": "hm", "format": "f",
                 "signature": "s"}
            ],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", REASONED)
def test_reasoning_is_streamed_and_kept(form: str) -> None:
    events, wanted = REASONED[form]
    completion, parts = read(*events, *TEXT[1:])
    assert completion.message == {"role": "assistant", "content": "Hello.", **wanted}
    assert "".join(part.reasoning for part in parts) == "hm"
    assert joined(parts)["content"] == "Hello."


def test_a_refusal_is_read() -> None:
    completion, parts = read(chunk(role="assistant", content="", refusal=None),
                             chunk(refusal="I "), chunk(refusal="won't."), chunk("stop"),
                             final(), DONE)  # fmt: skip
    assert completion.message == {"role": "assistant", "content": None, "refusal": "I won't."}
    assert parts == []


def test_logprobs_of_all_chunks_are_read() -> None:
    events = [chunk(content="a"), chunk(content="b"), chunk("stop"), final(), DONE]
    for number, event in enumerate(events[:2]):
        event["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": -0.5 * number}]}
    assert read(*events)[0].logprobs == (0.0, -0.5)


SERVERS: dict[str, list[Any]] = {
    "Azure begins with an empty choice list": [{"choices": [], "id": "", "model": ""}, *TEXT],
    "usage so far in every chunk": [
        {**TEXT[1], "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
        {**TEXT[2], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        {**TEXT[3], "usage": USED},
        DONE,
    ],
    "no [DONE]": TEXT[:-1],
    "keep-alives": [b"", *TEXT[:2], b" ", *TEXT[2:]],
    "several choices": [
        TEXT[0],
        {"choices": [{"index": 1, "delta": {"content": "other"}}, *TEXT[1]["choices"]]},
        *TEXT[2:],
    ],
    "the whole message in one event": [
        {**good("openai"), "usage": None}, final(), DONE
    ],
    "the message so far beside each delta": [
        {**each, "choices": [{**each["choices"][0], "message": {"content": "Hello."}}]}
        if isinstance(each, dict) and each["choices"] else each for each in TEXT
    ],
}  # fmt: skip


@pytest.mark.parametrize("server", SERVERS)
def test_other_servers_streams_are_read(server: str) -> None:
    completion, parts = read(*SERVERS[server])
    assert completion.message == {"role": "assistant", "content": "Hello."}
    assert completion.usage == COUNTED
    assert says_the_same(completion, parts)


def test_a_server_that_ignores_the_request_for_a_stream_is_read() -> None:
    async def case() -> None:
        for document in (good("openai"), b"\n \xef\xbb\xbf" + frames(good("openai"))[6:-2]):
            async with served("openai", answering(document)) as (wire, _):
                completion, parts = await wire.stream()
                assert completion.message["content"] == "Hello."
                assert (completion.usage, parts) == (COUNTED, [])

    run(case())


def test_the_last_finish_reason_decides_as_in_a_plain_answer() -> None:
    assert read(chunk(content="Hel"), chunk("length"), final(), DONE)[0].finish_reason == "length"

    async def case() -> None:
        for reason, wanted in (
            ("error", ErrorClass.SERVER),
            ("insufficient_system_resource", ErrorClass.OVERLOADED),
            ("something new", ErrorClass.BAD_RESPONSE),
        ):
            events = frames(chunk(content="Hel"), chunk(reason), final(), DONE)
            async with served("openai", streaming(events)) as (wire, _):
                error, _ = await wire.broken()
                assert is_class(error, wanted)
                assert error.usage == COUNTED

    run(case())


def test_a_call_is_a_delta_with_its_first_part() -> None:
    _, parts = read(chunk(tool_calls=[call(0, "", id="a", name="f")]),
                    chunk(tool_calls=[call(0, "{}")]), chunk("tool_calls"), DONE)  # fmt: skip
    assert [part.tool_call for part in parts] == [
        ToolCallDelta(index=0, call_id="a", name="f"),
        ToolCallDelta(index=0, call_id=None, name=None, arguments="{}"),
    ]
