"""Requests of OpenAI's responses as requests of the contract."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.request import read_request
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.dialects.responses.request import parse_response
from streams.gateway.errors import HttpError

IMAGE = "data:image/png;base64,AAAA"
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}
CHAT_LOOK = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object"}, "strict": True},
}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
CHAT_CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def parsed(**body: Any) -> ParsedRequest:
    found = parse_response({"model": "auto", "input": "Hello", **body}, ("top_k",))
    read_request({**found.document, "request_id": "r1"})
    return found


def messages_of(given: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parsed(input=given).document["messages"]
    return found


def refusal(**body: Any) -> HttpError:
    with pytest.raises(HttpError) as found:
        parsed(**body)
    assert found.value.status == 400
    return found.value


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("Hello", [{"role": "user", "content": "Hello"}]),
        (
            [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
            [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        ),
        (
            [
                {
                    "type": "message",
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Look"},
                        {"type": "input_image", "image_url": IMAGE, "detail": "low"},
                    ],
                }
            ],
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look"},
                        {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
                    ],
                }
            ],
        ),
        (
            [
                {"role": "user", "content": "Look"},
                {"type": "reasoning", "id": "rs", "summary": [{"type": "x", "text": "Hm"}]},
                {
                    "type": "message",
                    "id": "msg",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": "Yes", "annotations": []}],
                },
                CALL,
                {**CALL, "call_id": "c2"},
                {"type": "function_call_output", "call_id": "c1", "output": "one"},
                {
                    "type": "function_call_output",
                    "call_id": "c2",
                    "output": [{"type": "input_text", "text": "two"}],
                },
            ],
            [
                {"role": "user", "content": "Look"},
                {
                    "role": "assistant",
                    "content": "Yes",
                    "reasoning_content": "Hm",
                    "tool_calls": [CHAT_CALL, {**CHAT_CALL, "id": "c2"}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
                {"role": "tool", "tool_call_id": "c2", "content": "two"},
            ],
        ),
        (
            [{"role": "assistant", "content": "One"}, {"role": "assistant", "content": "Two"}],
            [{"role": "assistant", "content": "One"}, {"role": "assistant", "content": "Two"}],
        ),
    ],
)
def test_input_becomes_messages(given: Any, messages: list[Any]) -> None:
    assert messages_of(given) == messages


def test_instructions_come_first() -> None:
    found = parsed(instructions="Be brief.").document["messages"]
    assert found[0] == {"role": "system", "content": "Be brief."}


def test_signed_reasoning_comes_back_to_its_vendor() -> None:
    item = {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": "sluice.signed.abc",
    }
    hidden = {
        "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "sluice.redacted.x"
    }  # fmt: skip
    foreign = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAAA"}
    (turn,) = messages_of([item, hidden, foreign, CALL])
    assert turn["thinking_blocks"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "abc"},
        {"type": "redacted_thinking", "data": "x"},
    ]


def test_a_file_needs_a_provider_of_openai() -> None:
    part = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,A"}
    found = parsed(input=[{"role": "user", "content": [part]}])
    assert found.native is not None
    assert found.native.required
    sent = found.native.body["messages"][0]["content"][0]
    assert sent == {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,A"},
    }


def test_parameters_are_those_of_chat_completions() -> None:
    schema = {"type": "object", "properties": {}}
    named = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
    document = parsed(
        tools=[LOOK],
        tool_choice={"type": "function", "name": "look"},
        parallel_tool_calls=False,
        text={"format": named, "verbosity": "low"},
        max_output_tokens=9,
        reasoning={"effort": "max", "summary": "auto"},
        metadata={"a": "b"},
        temperature=0.5,
        top_p=0.9,
        user="u",
        top_k=3,
        deadline_ms=1000,
    ).document
    assert document["tools"] == [CHAT_LOOK]
    assert document["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert document["parallel_tool_calls"] is False
    assert document["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }
    assert document["verbosity"] == "low"
    assert document["max_completion_tokens"] == 9
    assert document["reasoning_effort"] == "xhigh"
    assert document["metadata"] == {"a": "b"}
    assert (document["temperature"], document["top_p"], document["user"]) == (0.5, 0.9, "u")
    assert document["extra_body"] == {"top_k": 3}
    assert document["deadline_ms"] == 1000
    assert "store" not in document


def test_allowed_tools_leave_the_others_out() -> None:
    other = {"type": "function", "name": "other", "parameters": None, "strict": None}
    choice = {
        "type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]
    }  # fmt: skip
    document = parsed(tools=[LOOK, other], tool_choice=choice).document
    assert document["tools"] == [CHAT_LOOK]
    assert document["tool_choice"] == "required"


def test_the_answer_repeats_what_it_was_asked_for() -> None:
    echo = parsed(tools=[LOOK], instructions="Be brief.", metadata={"a": "b"}, store=False).echo
    assert echo["instructions"] == "Be brief."
    assert echo["tools"][0]["name"] == "look"
    assert echo["metadata"] == {"a": "b"}
    assert (echo["store"], echo["background"], echo["temperature"]) == (False, False, 1.0)


def test_what_the_answer_repeats_is_bounded() -> None:
    schema = {"type": "object", "description": "x" * 100_000}
    named = {"type": "json_schema", "name": "answer", "schema": schema}
    for large in (
        {"instructions": "x" * 100_000},
        {"tools": [{**LOOK, "description": "x" * 100_000}]},
        {"text": {"format": named}},
    ):
        found = parsed(metadata={"a": "b"}, **large)
        assert len(str(found.document)) > 100_000
        assert len(str(found.echo)) < 2_000
        assert found.echo["metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [LOOK, {"type": "mcp", "server_label": "x"}]}, "tools[1].type"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function", "name": "none"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "audio"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "f"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "f"}]}]},
            "input[0].content[0].file_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "filename": "f"}]}]},
            "input[0].content[0].file_data",
        ),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"other": 1}}, "text.other"),
        ({"reasoning": {"effort": "much"}}, "reasoning.effort"),
        ({"background": "yes"}, "background"),
        ({"background": True, "store": False}, "store"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options"),
        ({"include": "x"}, "include"),
        ({"truncation": "some"}, "truncation"),
        ({"messages": []}, "messages"),
        ({"n": 1}, "n"),
        ({"tenant": "x"}, "tenant"),
        ({"native": {}}, "native"),
        ({"x\n": 1}, "x?"),
    ],
)
def test_what_is_wrong_or_not_supported_is_refused_by_name(body: Any, param: str) -> None:
    assert refusal(**body).param == param


def test_a_model_is_required() -> None:
    with pytest.raises(HttpError, match="model"):
        parse_response({"input": "Hello"}, ())
