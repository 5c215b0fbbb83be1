"""Streams of Anthropic's messages."""

from __future__ import annotations

from typing import Any

import pytest

from streams.providers.port import AnswerDelta, Completion, ErrorClass, ToolCallDelta, Usage
from tests.unit.providers.streamed.test_whole_streams import joined, says_the_same
from tests.unit.providers.world import answering, frames, good, is_class, run, served, streaming

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
AS_CITY = {"type": "json_schema", "json_schema": {"name": "a", "schema": CITY}}
AS_JSON = {"type": "json_object"}


def start(**usage: Any) -> dict[str, Any]:
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-20250514",
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1, **usage},
    }  # fmt: skip
    return {"type": "message_start", "message": message}


def block(index: int, first: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": first},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return block(index, {"type": "text", "text": ""}, *deltas)


def tool(index: int, *pieces: str, **more: Any) -> list[dict[str, Any]]:
    first = {"type": "tool_use", "id": f"toolu_{index}", "name": "f", "input": {}, **more}
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return block(index, first, *deltas)


def end(reason: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 3, **usage}},
        {"type": "message_stop"},
    ]


def read(*events: Any, **body: Any) -> tuple[Completion, list[AnswerDelta]]:
    async def case() -> Any:
        async with served("anthropic", streaming(frames(*events))) as (wire, _):
            return await wire.stream(**body)

    found: tuple[Completion, list[AnswerDelta]] = run(case())
    return found


def plain(*, body: dict[str, Any], **document: Any) -> Completion:
    async def case() -> Any:
        async with served("anthropic", answering(good("anthropic", **document))) as (wire, _):
            return await wire.ask(**body)

    found: Completion = run(case())
    return found


def test_a_streamed_answer_is_the_plain_one_and_pings_are_ignored() -> None:
    ping = {"type": "ping"}
    completion, parts = read(start(), ping, *text(0, "Hel", "lo."), ping, *end())
    assert completion == plain(body={})
    assert [part.content for part in parts] == ["Hel", "lo."]


THINKING = [
    block(0, {"type": "thinking", "thinking": "", "signature": ""},
          {"type": "thinking_delta", "thinking": "h"},
          {"type": "thinking_delta", "thinking": "m"},
          {"type": "signature_delta", "signature": "s1"}),
    block(1, {"type": "redacted_thinking", "data": "d"}),
    block(2, {"type": "thinking", "thinking": "", "signature": ""},
          {"type": "thinking_delta", "thinking": "so"},
          {"type": "signature_delta", "signature": "s2"}),
]  # fmt: skip
THOUGHT = [
    {"type": "thinking", "thinking": "hm", "signature": "s1"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "thinking", "thinking": "so", "signature": "s2"},
]


def test_thinking_is_streamed_with_its_signatures_and_kept_with_redacted_blocks() -> None:
    events = [start(), *(each for one in THINKING for each in one), *text(3, "Hello."), *end()]
    completion, parts = read(*events)
    content = [*THOUGHT, {"type": "text", "text": "Hello."}]
    assert completion == plain(body={}, content=content)
    assert completion.message["thinking_blocks"] == THOUGHT
    assert [(part.reasoning, part.thinking_signature, part.content) for part in parts] == [
        ("h", "", ""), ("m", "", ""), ("", "s1", ""),
        ("so", "", ""), ("", "s2", ""), ("", "", "Hello."),
    ]  # fmt: skip


def test_tool_calls_are_numbered_without_the_other_blocks() -> None:
    completion, parts = read(
        start(), *text(0, "I look."), *tool(1, "", '{"x"', ":1}"), *tool(2), *end("tool_use")
    )
    content = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}},
    ]
    assert completion == plain(body={}, content=content, stop_reason="tool_use")
    assert says_the_same(completion, parts)
    assert [part.tool_call for part in parts if part.tool_call] == [
        ToolCallDelta(index=0, call_id="toolu_1", name="f"),
        ToolCallDelta(index=0, call_id=None, name=None, arguments='{"x"'),
        ToolCallDelta(index=0, call_id=None, name=None, arguments=":1}"),
        ToolCallDelta(index=1, call_id="toolu_2", name="f"),
        ToolCallDelta(index=1, call_id=None, name=None, arguments="{}"),
    ]


def test_an_input_that_comes_with_its_block_is_read() -> None:
    completion, parts = read(start(), *tool(0, input={"x": 1}), *end("tool_use"))
    assert completion.message["tool_calls"][0]["function"]["arguments"] == '{"x":1}'
    assert says_the_same(completion, parts)


def test_arguments_keep_their_digits() -> None:
    raw = '{"order":25227143063332189585438,"sum":1.10}'
    completion, _ = read(start(), *tool(0, raw[:20], raw[20:]), *end("tool_use"))
    assert completion.message["tool_calls"][0]["function"]["arguments"] == raw


def test_json_of_the_forced_tool_is_streamed_as_content_without_the_text_beside_it() -> None:
    events = [start(), *text(0, "Here: "), *tool(1, '{"ci', 'ty":"Oslo"}'), *end("tool_use")]
    completion, parts = read(*events, response_format=AS_CITY)
    assert completion.message == {"role": "assistant", "content": '{"city":"Oslo"}'}
    assert completion.finish_reason == "stop"
    assert [part.content for part in parts] == ['{"ci', 'ty":"Oslo"}']


@pytest.mark.parametrize(
    ("pieces", "content", "passed"),
    [
        (["{", "}"], "{}", "{}"),
        (["\n", " ", "{", "}"], "\n {}", "\n {}"),
        (["```", "json\n{}", "\n```"], "{}", ""),
        ([" `", "``json\n{}\n```"], "{}", ""),
        (["``` is no JSON"], "``` is no JSON", ""),
    ],
)
def test_a_code_fence_around_json_is_never_passed_on(
    pieces: list[str], content: str, passed: str
) -> None:
    messages = [{"role": "user", "content": "json"}]
    half = len(pieces) // 2
    events = [start(), *text(0, *pieces[:half]), *text(1, *pieces[half:]), *end()]
    completion, parts = read(*events, response_format=AS_JSON, messages=messages)
    assert completion.message["content"] == content
    assert joined(parts)["content"] == passed


def test_usage_is_corrected_by_the_message_delta() -> None:
    cached = {"cache_read_input_tokens": 4, "cache_creation_input_tokens": None}
    completion, _ = read(start(**cached), *text(0, "Hello."), *end(input_tokens=20))
    assert completion.usage == Usage(input_tokens=24, output_tokens=3, cache_read_tokens=4)
    web = {"server_tool_use": {"web_search_requests": 2}}
    assert read(start(), *text(0, "Hi."), *end(**web))[0].usage.web_searches == 2


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("pause_turn", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_stop_reasons(reason: str, meant: str) -> None:
    assert read(start(), *text(0, "Hello."), *end(reason))[0].finish_reason == meant


def test_citations_and_results_of_server_tools_change_nothing() -> None:
    citation = {"type": "citations_delta", "citation": {"type": "page_location", "page": 1}}
    cited = block(3, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello."},
                  citation, citation, {"type": "some_new_delta"})  # fmt: skip
    search = block(0, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                   {"type": "input_json_delta", "partial_json": '{"query": "x"}'})  # fmt: skip
    found = block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []})
    completion, parts = read(start(), *search, *found, *cited, {"type": "new_event"}, *end())
    assert completion.message == {"role": "assistant", "content": "Hello."}
    assert [part.content for part in parts] == ["Hello."]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ("overloaded_error", ErrorClass.OVERLOADED),
        ("rate_limit_error", ErrorClass.RATE_LIMITED),
        ("api_error", ErrorClass.SERVER),
        ("timeout_error", ErrorClass.TIMEOUT),
    ],
)
def test_an_error_event_has_its_class_and_an_unknown_cost(error: str, wanted: ErrorClass) -> None:
    event = {"type": "error", "error": {"type": error, "message": "Hi"}}

    async def case() -> None:
        for events in ([event], [start(), *text(0, "Hel")[:2], event]):
            async with served("anthropic", streaming(frames(*events))) as (wire, _):
                failure, _ = await wire.broken()
                assert is_class(failure, wanted)
                assert (failure.status, failure.usage) == (200, None)

    run(case())


def test_a_stream_without_a_name_of_its_events_is_read() -> None:
    events = [start(), *text(0, "Hello."), *end()]
    nameless = b"".join(b"data: " + frames(each).partition(b"data: ")[2] for each in events)

    async def case() -> None:
        async with served("anthropic", streaming(nameless)) as (wire, _):
            assert (await wire.stream())[0].message["content"] == "Hello."

    run(case())
