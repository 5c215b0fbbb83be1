"""Requests of OpenAI's chat completions as requests of the contract."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from schemas.errors import InvalidRequestError
from schemas.gateway.native_body import NativeDialect
from schemas.request import read_request
from streams.gateway.dialects.openai.request import parse_chat
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.errors import HttpError

USER = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def parsed(*messages: Any, **more: Any) -> ParsedRequest:
    """A parsed request whose document the contract accepts."""
    body = {"model": "auto", "messages": list(messages) or [USER], **more}
    found = parse_chat(body, {"top_k", "min_p"})
    read_request(dict(found.document))
    return found


def content(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": "Look"}, *parts]}


def test_what_the_contract_has_is_taken_over_and_needs_no_native_body() -> None:
    found = parsed(
        {"role": "developer", "content": "Be brief"},
        content({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}),
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "audio": None,
            "function_call": None,
            "annotations": [],
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "seen"},
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "look"}},
        parallel_tool_calls=False,
        response_format={"type": "json_object"},
        max_completion_tokens=10,
        stop=["."],
        seed=1,
        user="u1",
        metadata={"a": "b"},
        temperature=None,
        stream=False,
        n=1,
    )
    assert found.native is None
    assert not found.stream
    assert "temperature" not in found.document
    assert found.document["tools"] == [TOOL]


@pytest.mark.parametrize(
    "message",
    [
        content({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}),
        content({"type": "file", "file": {"file_id": "f1"}}),
        {"role": "function", "name": "look", "content": "seen"},
        {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "assistant", "content": None, "audio": {"id": "a1"}},
        {
            "role": "assistant",
            "tool_calls": [{"id": "t1", "type": "custom", "custom": {"name": "c", "input": "x"}}],
        },
    ],
)
def test_what_only_this_dialect_knows_needs_a_provider_of_it(message: dict[str, Any]) -> None:
    native = parsed(USER, message).native
    assert native is not None
    assert native.required
    assert native.dialect is NativeDialect.OPENAI_CHAT
    assert native.body["messages"] == [USER, message]


@pytest.mark.parametrize(
    "more",
    [
        {"audio": {"voice": "alloy", "format": "wav"}, "modalities": ["text", "audio"]},
        {"functions": [{"name": "look"}]},
        {"web_search_options": {}},
        {"tools": [{"type": "custom", "custom": {"name": "c"}}]},
        {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
    ],
)
def test_a_field_that_only_this_dialect_knows_needs_a_provider_of_it(more: dict[str, Any]) -> None:
    native = parsed(**more).native
    assert native is not None
    assert native.required


@pytest.mark.parametrize(
    "more",
    [
        {"prediction": {"type": "content", "content": "x"}},
        {"prompt_cache_retention": "24h"},
        {"modalities": ["text"]},
        {"tools": [{**TOOL, "cache_control": {"type": "ephemeral"}}]},
    ],
)
def test_a_hint_travels_along_and_any_provider_serves_the_request(more: dict[str, Any]) -> None:
    found = parsed(**more)
    if found.native is None:
        assert more["tools"][0]["cache_control"]
    else:
        assert not found.native.required
        assert all(found.native.body[name] == value for name, value in more.items())


@pytest.mark.parametrize(
    "message",
    [
        {**USER, "cache_control": {"type": "ephemeral"}},
        content({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}),
        content(
            {
                "type": "image_url",
                "image_url": {"url": "https://x.example/a.png", "detail": "original"},
            }
        ),
    ],
)
def test_a_mark_is_kept_in_the_native_body_alone(message: dict[str, Any]) -> None:
    native = parsed(message).native
    assert native is not None
    assert not native.required
    assert native.body["messages"] == [message]


def test_a_vendors_parameter_is_taken_if_a_model_lists_it() -> None:
    assert parsed(top_k=5).document["extra_body"] == {"top_k": 5}
    with pytest.raises(HttpError, match="typical_p"):
        parsed(typical_p=0.5)


def test_fields_of_sluice_are_named_and_not_sent_to_a_vendor() -> None:
    found = parsed(deadline_ms=5_000, cache="off", session_id="s", prediction={}, quality="best")
    assert found.own == {"deadline_ms", "cache", "session_id", "quality"}
    assert found.native is not None
    assert found.native.body.keys() == {"model", "messages", "prediction"}
    assert found.document.keys() == {"messages", "deadline_ms", "quality"}


@pytest.mark.parametrize(
    "value",
    [
        *(1, "x", None, {}, [], [None], ["x"], [[]], [{"role": 1}]),
        *([{"role": "user", "content": [part]}] for part in (1, {"type": []}, {"type": {}}, {})),
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"detail": []}}]}],
        [{"role": [], "tool_calls": [{"type": "custom", "custom": 1}], "function_call": 1}],
    ],
)
def test_messages_of_any_shape_are_refused_and_never_break_the_parser(value: Any) -> None:
    with pytest.raises((HttpError, InvalidRequestError)):
        read_request(dict(parse_chat({"model": "auto", "messages": value}, ()).document))


@pytest.mark.parametrize("name", ["tools", "tool_choice", "audio", "functions", "response_format"])
@pytest.mark.parametrize("value", [1, "x", [1], [{}], {"type": []}, [{"type": {}}]])
def test_fields_of_any_shape_never_break_the_parser(name: str, value: Any) -> None:
    with suppress(HttpError, InvalidRequestError):
        parsed(**{name: value})
