"""Each vendor gets requests in its format, and its answers are translated back completely."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.chat import RequestDocument
from schemas.request import read_request
from streams.providers.answer_fields import MAX_TOOL_CALLS, decode, encode
from streams.providers.anthropic import answer as anthropic_answer
from streams.providers.anthropic import request
from streams.providers.openai import answer as openai_answer
from streams.providers.openai import request as openai_format
from streams.providers.openai.request import Dialect
from streams.providers.port import ChatCall, Completion, Timeouts
from streams.providers.tools.schemas import tool_schema
from streams.registry.model_families import refused_by_family
from streams.routing.confidence.checks import faults
from tests.unit.providers.world import HI, good

ARGUMENTS = '{"order":25227143063332189585438,"sum":1.10,"e":1e-7}'


def call(model: str = "m", limit: int | None = None, **body: Any) -> ChatCall:
    return ChatCall(
        call_id="call-1",
        model=model,
        body={"messages": HI, **body},
        timeouts=Timeouts(),
        max_output_tokens=limit,
        unsupported=refused_by_family(model),
    )


def to_openai(chat_call: ChatCall, dialect: Dialect = Dialect.OPENAI) -> dict[str, Any]:
    sent: dict[str, Any] = orjson.loads(encode(openai_format.request_body(chat_call, dialect)))
    return sent


def to_anthropic(chat_call: ChatCall) -> dict[str, Any]:
    sent: dict[str, Any] = orjson.loads(encode(request.request_body(chat_call)))
    return sent


def openai_calls(*calls: dict[str, Any], messages: Any = HI) -> Completion:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    document = good("openai", choices=[{"message": message, "finish_reason": "tool_calls"}])
    return openai_answer.completion(document, call(messages=messages))


def tool(**schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "run", "parameters": schema}}


def turn(*ids: str) -> list[dict[str, Any]]:
    calls = [
        {"id": each, "type": "function", "function": {"name": "w", "arguments": "{}"}}
        for each in ids
    ]
    results = [{"role": "tool", "tool_call_id": each, "content": each} for each in ids]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


GET_WEATHER = {"function": {"name": "get_weather", "arguments": "{}"}}


def test_calls_without_ids_differ_over_turns_and_formats() -> None:
    first = openai_calls(GET_WEATHER, GET_WEATHER)
    conversation: list[Any] = [*HI, first.message]
    conversation += [
        {"role": "tool", "tool_call_id": each["id"], "content": "x"}
        for each in first.message["tool_calls"]
    ]
    second = openai_calls(GET_WEATHER, messages=conversation)
    block = {"type": "tool_use", "id": first.message["tool_calls"][0]["id"], "name": "f"}
    third = anthropic_answer.completion(
        good("anthropic", content=[block, {**block, "id": None}], stop_reason="tool_use"),
        call(messages=[*conversation, second.message]),
    )
    ids = [each["id"] for answer in (first, second, third) for each in answer.message["tool_calls"]]
    assert len(set(ids)) == len(ids) == 5
    assert all(ids)


def test_an_id_that_counts_from_zero_in_every_answer_is_replaced_the_second_time() -> None:
    zero = {"id": "functions.w:0", **GET_WEATHER}
    first = openai_calls(zero)
    second = openai_calls(zero, messages=[*HI, first.message])
    assert first.message["tool_calls"][0]["id"] == "functions.w:0"
    assert second.message["tool_calls"][0]["id"] != "functions.w:0"


@pytest.mark.parametrize("form", ["openai", "compatible", "anthropic"])
@pytest.mark.parametrize(
    "ids", [[["0"], ["0"]], [["a", "a"], ["a"]], [["x" * 100], ["x" * 100]], [["ü.1", "ü:1"]]]
)
def test_a_conversation_with_repeated_ids_is_sent_with_distinct_ones(
    form: str, ids: list[list[str]]
) -> None:
    messages = [*HI]
    for each in ids:
        messages += turn(*each)
    chat_call = call(messages=messages, tools=[tool(type="object")])
    if form == "anthropic":
        blocks = [b for t in to_anthropic(chat_call)["messages"] for b in t["content"]]
        called = [b["id"] for b in blocks if b["type"] == "tool_use"]
        answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
    else:
        sent = to_openai(chat_call, Dialect(form))["messages"]
        called = [c["id"] for m in sent for c in m.get("tool_calls", ())]
        answered = [m["tool_call_id"] for m in sent if m["role"] == "tool"]
    assert len(set(called)) == len(called)
    assert answered == called
    assert all(len(each) <= 40 for each in called)


ALTERNATIVES: dict[str, dict[str, Any]] = {
    "anyOf": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["a"]}],
    },
    "oneOf of two": {
        "oneOf": [
            {"properties": {"kind": {}, "a": {}}, "required": ["kind", "a"]},
            {"properties": {"kind": {}, "b": {}}, "required": ["kind", "b"]},
        ],
        "additionalProperties": False,
    },
    "allOf": {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
    "a reference": {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": {}}}}},
    "no type": {"properties": {"a": {}}},
    "nullable": {"type": ["object", "null"], "properties": {"a": {}}},
    "if": {"type": "object", "if": {}, "then": {"properties": {"a": {}}}},
    "itself": {"allOf": [{"$ref": "#"}]},
    "nonsense": {"anyOf": 5, "properties": 7, "required": "a", "allOf": [[], None]},
}


@pytest.mark.parametrize("what", ALTERNATIVES)
def test_a_tool_s_schema_is_a_plain_object_at_its_top(what: str) -> None:
    chat_call = call(tools=[tool(**ALTERNATIVES[what])])
    for schema in (
        to_anthropic(chat_call)["tools"][0]["input_schema"],
        to_openai(chat_call)["tools"][0]["function"]["parameters"],
    ):
        assert schema["type"] == "object"
        assert isinstance(schema["properties"], dict)
        assert not {"anyOf", "oneOf", "allOf", "not", "enum", "$ref", "if"} & schema.keys()


def test_a_rewritten_schema_accepts_what_the_original_accepts() -> None:
    schema = tool_schema(ALTERNATIVES["oneOf of two"])
    assert set(schema["properties"]) == {"kind", "a", "b"}
    assert schema["required"] == ["kind"]
    assert "additionalProperties" not in schema


def test_arguments_are_still_checked_against_the_caller_s_schema() -> None:
    body = {"messages": HI, "tools": [tool(**ALTERNATIVES["anyOf"])]}
    called = {"id": "a", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [called]}
    assert [fault.check for fault in faults(body, message, "tool_calls")] == ["tool_arguments"]


def test_older_drafts_become_today_s() -> None:
    schema = tool_schema(
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "properties": {
                "n": {"minimum": 0, "exclusiveMinimum": True, "required": True},
                "pair": {"items": [{"type": "string"}], "additionalItems": False},
                "enum": {"enum": [{"items": [1]}]},
            },
        }
    )
    assert schema == {
        "type": "object",
        "properties": {
            "n": {"exclusiveMinimum": 0},
            "pair": {"prefixItems": [{"type": "string"}], "items": False},
            "enum": {"enum": [{"items": [1]}]},
        },
        "required": ["n"],
    }


@pytest.mark.parametrize(
    ("model", "gone"),
    [
        ("o3-mini", ["parallel_tool_calls", "temperature"]),
        ("prod-o3-mini", ["parallel_tool_calls", "temperature"]),
        ("gpt-5-mini", ["temperature", "top_p"]),
        ("claude-opus-4-7", ["temperature", "top_p", "top_k"]),
    ],
)
def test_parameters_that_a_family_rejects_are_omitted_by_both_formats(
    model: str, gone: list[str]
) -> None:
    chat_call = call(
        model,
        tools=[tool(type="object")],
        parallel_tool_calls=False,
        temperature=0.5,
        top_p=0.5,
        extra_body={"top_k": 4},
    )
    for sent in (to_openai(chat_call), to_anthropic(chat_call)):
        assert not set(gone) & sent.keys()


def test_learned_parameters_are_omitted_whatever_their_name() -> None:
    chat_call = ChatCall(
        call_id="c",
        model="my-deployment",
        body={"messages": HI, "temperature": 1, "seed": 3},
        timeouts=Timeouts(),
        max_output_tokens=7,
        unsupported=frozenset({"temperature", "max_completion_tokens"}),
    )
    sent = to_openai(chat_call)
    assert sent["max_tokens"] == 7
    assert sent["seed"] == 3
    assert not {"temperature", "max_completion_tokens"} & sent.keys()
    assert "temperature" not in to_anthropic(chat_call)


THINK = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def test_thinking_excludes_a_forced_tool_and_sampling_parameters() -> None:
    for choice in ("required", {"type": "function", "function": {"name": "run"}}):
        sent = to_anthropic(
            call(
                limit=8_000,
                tools=[tool(type="object")],
                tool_choice=choice,
                temperature=0.2,
                top_p=0.5,
                extra_body={**THINK, "top_k": 5},
            )
        )
        assert sent["tool_choice"] == {"type": "auto"}
        assert sent["thinking"] == THINK["thinking"]
        assert not {"temperature", "top_p", "top_k"} & sent.keys()


def test_a_thinking_budget_stays_below_the_limit_of_the_answer() -> None:
    wide = {"thinking": {"type": "enabled", "budget_tokens": 9_000}}
    assert to_anthropic(call(limit=5_000, extra_body=wide))["thinking"]["budget_tokens"] == 4_999
    assert "thinking" not in to_anthropic(call(limit=1_000, extra_body=wide))


def test_thinking_that_is_switched_off_changes_nothing() -> None:
    off = {"thinking": {"type": "disabled"}}
    assert to_anthropic(call(temperature=0.2, extra_body=off))["temperature"] == 0.2


def test_thinking_is_omitted_within_a_tool_call_that_lacks_its_thinking_blocks() -> None:
    messages = [*HI, *turn("a")]
    chat_call = call(limit=8_000, messages=messages, extra_body=THINK)
    assert "thinking" not in to_anthropic(chat_call)
    block = {"type": "thinking", "thinking": "x", "signature": "s"}
    signed = [{**each, "thinking_blocks": [block]} if "tool_calls" in each else each
              for each in messages]  # fmt: skip
    sent = to_anthropic(call(limit=8_000, messages=signed, extra_body=THINK))
    assert sent["thinking"] == THINK["thinking"]
    assert sent["messages"][1]["content"][0] == block


@pytest.mark.parametrize("field", ["tool_choice", "parallel_tool_calls"])
def test_parameters_that_openai_rejects_without_tools_are_omitted(field: str) -> None:
    value = {"tool_choice": "auto", "parallel_tool_calls": False}[field]
    assert field not in to_openai(call(**{field: value}))


def test_top_logprobs_bring_logprobs_along() -> None:
    assert to_openai(call(top_logprobs=2))["logprobs"] is True
    assert "top_logprobs" not in to_openai(call(top_logprobs=0))


def test_anthropic_s_signed_thinking_is_returned_and_sent_again() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]
    document = good("anthropic", content=blocks, stop_reason="tool_use")
    found = anthropic_answer.completion(document, call())
    assert found.message["reasoning_content"] == "hm"
    assert found.message["thinking_blocks"] == blocks[:2]
    again = to_anthropic(call(messages=_accepted(found.message)))
    assert again["messages"][1]["content"] == blocks


REASONED: dict[str, dict[str, Any]] = {
    "reasoning_content": {"reasoning_content": "hm"},
    "OpenRouter": {
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "index": 0}],
    },
    "Gemini": {"extra_content": {"google": {"thought_signature": "s"}}},
}


@pytest.mark.parametrize("who", REASONED)
def test_reasoning_of_compatible_servers_is_returned_and_sent_again(who: str) -> None:
    signed = {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"},
              "extra_content": {"google": {"thought_signature": "t"}}}  # fmt: skip
    message = {"role": "assistant", "content": None, "tool_calls": [signed], **REASONED[who]}
    document = good("openai", choices=[{"message": message, "finish_reason": "tool_calls"}])
    found = openai_answer.completion(document, call())
    assert found.message == message
    messages = _accepted(found.message)
    assert to_openai(call(messages=messages), Dialect.COMPATIBLE)["messages"][1] == message
    plain = to_openai(call(messages=messages))["messages"][1]
    assert set(plain) == {"role", "content", "tool_calls"}
    assert set(plain["tool_calls"][0]) == {"id", "type", "function"}
    assert to_anthropic(call(messages=messages))["messages"][1]["content"][0]["id"] == "a"


def test_mistral_s_thinking_parts_are_its_reasoning() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hello."},
    ]
    message = {"role": "assistant", "content": parts}
    document = good("openai", choices=[{"message": message, "finish_reason": "stop"}])
    found = openai_answer.completion(document, call())
    assert found.message == {
        "role": "assistant",
        "content": "Hello.",
        "reasoning_content": "hm",
    }
    sent = to_openai(call(messages=[*HI, message]))
    assert sent["messages"][1]["content"] == parts[1:]


def test_an_answer_with_the_maximum_of_calls_is_accepted_as_a_turn() -> None:
    found = openai_calls(*[GET_WEATHER] * MAX_TOOL_CALLS)
    assert len(_accepted(found.message)[1]["tool_calls"]) == MAX_TOOL_CALLS


def _accepted(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation with an answer in it, through the door."""
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "x"}
    document = {"messages": [*HI, message, result]}
    assert RequestDocument.model_validate(document)
    messages: list[dict[str, Any]] = read_request(document).body["messages"]
    return messages


def test_numbers_keep_their_digits_both_ways() -> None:
    body = (
        '{"content":[{"type":"tool_use","id":"t","name":"f","input":'
        + ARGUMENTS
        + '}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}'
    )
    found = anthropic_answer.completion(decode(body.encode(), 200), call())
    assert found.message["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
    messages = _accepted(found.message)
    assert ARGUMENTS in encode(request.request_body(call(messages=messages))).decode()
    loose = (
        '{"choices":[{"finish_reason":"stop","message":{"tool_calls":[{"function":{"name":"f",'
        '"arguments":' + ARGUMENTS + "}}]}}]}"
    )
    again = openai_answer.completion(decode(loose.encode(), 200), call())
    assert again.message["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
