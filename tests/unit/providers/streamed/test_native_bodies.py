"""A body in the vendor's own format is sent to providers of that format, and only what must be set
is changed in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.encoding import exact_json
from schemas.gateway.native_body import NativeBody, NativeDialect
from streams.providers.answer_fields import encode
from streams.providers.anthropic import answer as anthropic_answer
from streams.providers.anthropic import request as anthropic_format
from streams.providers.anthropic.request import DEFAULT_MAX_TOKENS
from streams.providers.native_bodies import OWN_FIELDS
from streams.providers.openai import request as openai_format
from streams.providers.openai.request import Dialect
from streams.providers.port import AnswerDelta, ChatCall, Timeouts
from tests.unit.providers.world import HI, Wire, good, run, simulated

CONVERTED = {"messages": [{"role": "user", "content": "converted"}]}
EPHEMERAL = {"type": "ephemeral"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
OPENAI = b"""{"temperature":0.10,"model":"auto","messages":[{"role":"user","content":[
{"cache_control":{"type":"ephemeral"},"type":"text","text":"Hi"}]}],"max_tokens":50,
"prediction":{"type":"content","content":"x"},"seed":7,"metadata":{"b":"2","a":"1"}}"""
ANTHROPIC = b"""{"max_tokens":50,"system":[{"type":"text","text":"Be brief.",
"cache_control":{"type":"ephemeral"}}],"model":"auto","messages":[{"role":"user","content":[
{"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}}]}],
"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a":{"maximum":1e2}}}}],
"top_k":5,"metadata":{"user_id":"u"}}"""


def call(dialect: NativeDialect, raw: bytes, **more: Any) -> ChatCall:
    return ChatCall(
        call_id="call-1",
        model="some-model",
        body={**CONVERTED, **more.pop("body", {})},
        timeouts=Timeouts(),
        native=NativeBody(dialect=dialect, body=exact_json.loads(raw)),
        **more,
    )


def to_openai(raw: bytes, dialect: Dialect = Dialect.COMPATIBLE, **more: Any) -> bytes:
    chat = call(NativeDialect.OPENAI_CHAT, raw, **more)
    return encode(openai_format.request_body(chat, dialect))


def to_anthropic(raw: bytes, **more: Any) -> bytes:
    return encode(
        anthropic_format.request_body(call(NativeDialect.ANTHROPIC_MESSAGES, raw, **more))
    )


def body(**fields: Any) -> bytes:
    return orjson.dumps({"model": "auto", "messages": HI, **fields})


def test_a_body_is_sent_byte_by_byte_but_for_the_model() -> None:
    for raw, sent in ((OPENAI, to_openai(OPENAI)), (ANTHROPIC, to_anthropic(ANTHROPIC))):
        wanted = raw.replace(b'"auto"', b'"some-model"').replace(b"\n", b"")
        assert sent == wanted
    assert to_openai(OPENAI, Dialect.OPENAI) == to_openai(OPENAI)


def test_a_provider_of_another_format_gets_the_converted_body() -> None:
    chat = call(NativeDialect.ANTHROPIC_MESSAGES, ANTHROPIC)
    for dialect in Dialect:
        sent = openai_format.request_body(chat, dialect)
        assert sent["messages"] == CONVERTED["messages"]
    chat = call(NativeDialect.OPENAI_CHAT, OPENAI)
    assert anthropic_format.request_body(chat)["messages"][0]["content"][0]["text"] == "converted"
    # Google's endpoints refuse much of OpenAI's format.
    sent = openai_format.request_body(chat, Dialect.GOOGLE)
    assert sent["messages"] == CONVERTED["messages"]


@pytest.mark.parametrize(
    ("given", "most", "wanted"),
    [
        ({}, None, {}),
        ({}, 9, {"max_tokens": 9}),
        ({"max_tokens": 50}, 9, {"max_tokens": 9}),
        ({"max_tokens": 5}, 9, {"max_tokens": 5}),
        ({"max_completion_tokens": 50}, 9, {"max_completion_tokens": 9}),
        ({"max_completion_tokens": None}, 9, {"max_tokens": 9}),
        ({"max_tokens": 50}, None, {"max_tokens": 50}),
    ],
)
def test_openai_s_limit_is_at_most_the_call_s(
    given: dict[str, Any], most: int | None, wanted: dict[str, Any]
) -> None:
    sent = orjson.loads(to_openai(body(**given), max_output_tokens=most))
    assert {name: sent[name] for name in sent if name.startswith("max_")} == wanted


def test_the_name_of_openai_s_limit_fits_the_endpoint_and_the_model() -> None:
    sent = orjson.loads(to_openai(body(), Dialect.OPENAI, max_output_tokens=9))
    assert sent["max_completion_tokens"] == 9
    refused = frozenset({"max_tokens"})
    raw = body(max_tokens=50)
    sent = orjson.loads(to_openai(raw, max_output_tokens=9, unsupported=refused))
    assert (sent["max_completion_tokens"], "max_tokens" in sent) == (9, False)
    sent = orjson.loads(to_openai(raw, unsupported=refused))
    assert sent["max_completion_tokens"] == 50


@pytest.mark.parametrize(
    ("given", "most", "wanted"),
    [(50, 9, 9), (5, 9, 5), (0, 9, 0), (None, 9, 9), (None, None, DEFAULT_MAX_TOKENS)],
)
def test_anthropic_s_limit_is_at_most_the_call_s(
    given: int | None, most: int | None, wanted: int
) -> None:
    sent = orjson.loads(to_anthropic(body(max_tokens=given), max_output_tokens=most))
    assert sent["max_tokens"] == wanted


def test_a_thinking_budget_stays_below_a_reduced_limit() -> None:
    thinking = {"type": "enabled", "budget_tokens": 9_000}
    raw = body(max_tokens=10_000, thinking=thinking)
    assert orjson.loads(to_anthropic(raw, max_output_tokens=20_000))["thinking"] == thinking
    reduced = orjson.loads(to_anthropic(raw, max_output_tokens=5_000))
    assert reduced["thinking"]["budget_tokens"] == 4_999
    assert "thinking" not in orjson.loads(to_anthropic(raw, max_output_tokens=1_000))
    # The caller's own mistake is the provider's to refuse.
    wrong = body(max_tokens=5_000, thinking=thinking)
    assert orjson.loads(to_anthropic(wrong, max_output_tokens=8_000))["thinking"] == thinking


def test_whether_it_streams_is_the_call_s_matter() -> None:
    raw = body(stream=True, stream_options={"include_usage": False, "include_obfuscation": False})
    sent = orjson.loads(to_openai(raw))
    assert not {"stream", "stream_options"} & sent.keys()
    parts: list[AnswerDelta] = []
    sent = orjson.loads(to_openai(raw, on_delta=parts.append))
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert "stream" not in orjson.loads(to_anthropic(body(max_tokens=5, stream=True)))
    streamed = orjson.loads(to_anthropic(body(max_tokens=5), on_delta=parts.append))
    assert streamed["stream"] is True
    assert "stream_options" not in streamed


def test_our_own_fields_and_nulls_are_never_sent() -> None:
    own = dict.fromkeys(OWN_FIELDS, "x")
    nulls = dict.fromkeys(("tools", "tool_choice", "response_format", "system", "stop"))
    raw = body(max_tokens=5, **own, **nulls)
    for sent in (orjson.loads(to_openai(raw)), orjson.loads(to_anthropic(raw))):
        assert sent == {"model": "some-model", "messages": HI, "max_tokens": 5}
    assert {"tenant", "quality", "deadline_ms", "session_id", "cache", "extra_body"} <= OWN_FIELDS


def test_nulls_in_tools_and_in_openai_s_messages_are_dropped() -> None:
    function = {"name": "f", "description": None, "parameters": None}
    called = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "Hi", "name": None},
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [called]},
    ]
    tools = [{"type": "function", "function": function, "strict": None}]
    sent = orjson.loads(to_openai(body(messages=turns, tools=tools)))
    assert sent["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert sent["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
    ]
    tools = [{"name": "f", "description": None, "input_schema": {"type": "object", "x": None}}]
    sent = orjson.loads(to_anthropic(body(max_tokens=5, tools=tools)))
    assert sent["tools"] == [{"name": "f", "input_schema": {"type": "object", "x": None}}]


def test_parameters_that_the_model_refuses_are_dropped() -> None:
    refused = frozenset({"temperature", "top_k", "reasoning_content", "thinking_blocks"})
    earlier = {"role": "assistant", "content": "x", "reasoning_content": "hm"}
    raw = body(max_tokens=5, temperature=1, top_p=0.5, messages=[*HI, earlier, *HI])
    sent = orjson.loads(to_openai(raw, unsupported=refused))
    assert ("temperature" in sent, sent["top_p"]) == (False, 0.5)
    assert sent["messages"][1] == {"role": "assistant", "content": "x"}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turns = [
        *HI,
        {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]},
        {"role": "assistant", "content": [thought]},
        *HI,
    ]
    raw = body(max_tokens=5, temperature=1, top_k=3, top_p=0.5, messages=turns)
    assert orjson.loads(to_anthropic(raw))["messages"] == turns
    sent = orjson.loads(to_anthropic(raw, unsupported=refused))
    assert not {"temperature", "top_k"} & sent.keys()
    content = [turn["content"] for turn in sent["messages"]]
    assert content == ["Hi", [{"type": "text", "text": "x"}], "Hi"]


def test_role_developer_is_system_to_other_servers_than_openai() -> None:
    turns = [{"role": "developer", "content": "Be brief.", "name": "n"}, *HI]
    assert orjson.loads(to_openai(body(messages=turns), Dialect.OPENAI))["messages"] == turns
    sent = orjson.loads(to_openai(body(messages=turns)))["messages"]
    assert sent == [{"role": "system", "content": "Be brief.", "name": "n"}, *HI]


def test_extra_body_sends_what_the_model_s_registry_entry_lists() -> None:
    raw = body(extra_body={"top_k": 3, "models": ["x"]})
    sent = orjson.loads(to_openai(raw, body={"extra_body": {"top_k": 3}}))
    assert sent == {"model": "some-model", "messages": HI, "top_k": 3}


def test_json_of_a_native_answer_is_its_text_not_our_tool_s_input() -> None:
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    chat = call(NativeDialect.ANTHROPIC_MESSAGES, ANTHROPIC, body={"response_format": shape})
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    document = good("anthropic", content=[block], stop_reason="tool_use")
    found = anthropic_answer.completion(document, chat)
    assert found.message["tool_calls"][0]["function"]["name"] == "f"
    assert found.finish_reason == "tool_calls"


NATIVE: dict[str, tuple[NativeDialect, dict[str, Any]]] = {
    "openai": (
        NativeDialect.OPENAI_CHAT,
        {
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "What is in it?"},
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE",
                                              "filename": "a.pdf"}},
                ]},
            ],
            "tools": None,
            "tool_choice": None,
            "response_format": None,
            "user": "u",
        },
    ),
    "anthropic": (
        NativeDialect.ANTHROPIC_MESSAGES,
        {
            "max_tokens": 2_000,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "document", "source": PDF, "cache_control": EPHEMERAL},
                    {"type": "text", "text": "What is in it?"},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "text", "text": "A page."},
                ]},
                {"role": "user", "content": "Which?"},
            ],
            "tools": [
                {"type": "web_search_20250305", "name": "web_search"},
                {"name": "f", "input_schema": {"type": "object"}, "cache_control": EPHEMERAL},
            ],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
def test_a_native_request_is_answered_the_same_plain_and_streamed(name: str) -> None:
    dialect, fields = NATIVE[name]

    async def case(wire: Wire) -> None:
        chat = call(dialect, orjson.dumps({"model": "auto", **fields}))
        parts: list[AnswerDelta] = []
        # The first call writes the prompt cache that the others read.
        assert (await wire.provider.complete(chat, wire.endpoint)).message["content"]
        plain = await wire.provider.complete(chat, wire.endpoint)
        streamed = await wire.provider.complete(replace(chat, on_delta=parts.append), wire.endpoint)
        assert plain == streamed
        assert "".join(part.content for part in parts) == streamed.message["content"]

    async def with_simulator() -> None:
        async with simulated(name) as wire:
            await case(wire)

    run(with_simulator())
