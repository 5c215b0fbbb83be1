"""Answers and errors of servers that follow their format only in part."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.errors import ArtifactError
from streams.providers.anthropic import answer
from streams.providers.http.exchange import Exchange
from streams.providers.openai import answer as openai_answer
from streams.providers.port import ChatCall, ErrorClass, ProviderError, Timeouts
from streams.providers.pricing.usage_fields import UsageFields, is_informative
from streams.providers.refusals.classification import refusal
from streams.routing.learned.artifact import read_artifact

CALL = ChatCall(call_id="c", model="m", body={}, timeouts=Timeouts(), max_output_tokens=None)
TRUNCATED = {"role": "assistant", "content": "Half an ans"}


def _openai(**more: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": TRUNCATED}
    return {"id": "x", "model": "m", "choices": [choice], **more}


@pytest.mark.parametrize(
    "error",
    [
        "model overloaded",
        {"message": "overloaded", "code": 529},
        [{"message": "overloaded", "code": 503}],
        {"error": {"message": "overloaded", "code": 503}},
    ],
)
@pytest.mark.parametrize("name", ["error", "errors"])
def test_an_error_next_to_an_answer_is_an_error(name: str, error: Any) -> None:
    assert openai_answer.completion(_openai(), CALL).finish_reason == "stop"
    with pytest.raises(ProviderError):
        openai_answer.completion(_openai(**{name: error}), CALL)


def test_anthropic_s_error_next_to_content_is_an_error() -> None:
    document = {"type": "message", "content": [], "error": {"message": "overloaded"}}
    with pytest.raises(ProviderError):
        answer.completion(document, CALL)


@pytest.mark.parametrize("arguments", [[1], 7, True, 1.5])
def test_arguments_of_a_call_are_text_or_an_object(arguments: Any) -> None:
    called = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": {"tool_calls": [called]}}
    with pytest.raises(ProviderError, match="arguments that are not an object"):
        openai_answer.completion({"choices": [choice]}, CALL)
    block = {"type": "tool_use", "id": "a", "name": "f", "input": arguments}
    document = {"type": "message", "content": [block], "stop_reason": "tool_use"}
    with pytest.raises(ProviderError, match="input that is not an object"):
        answer.completion(document, CALL)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"message": "API key not valid"}]},
        {"error": {"error": {"message": "api_key is invalid"}}},
        [{"error": {"message": "Invalid API key"}}],
    ],
)
def test_a_wrapped_error_is_read_and_a_wrong_key_is_known(body: Any) -> None:
    found = refusal(Exchange(400, {}, orjson.dumps(body)), lambda: 0.0)
    assert found.error_class is ErrorClass.AUTH


def test_deeply_nested_usage_is_examined() -> None:
    deep: Any = 0
    for _ in range(5_000):
        deep = [deep]
    assert not is_informative(deep)
    assert is_informative({"a": [deep, {"b": [0, "", 3]}]})


@pytest.mark.parametrize(
    ("field", "billed"),
    [
        ("audio_time", True),
        ("gpu_seconds_rate", True),
        ("video_duration", True),
        ("queue_time", False),
        ("tokens_per_sec", False),
    ],
)
def test_figures_that_are_billed_by_time_are_no_measurements(field: str, billed: bool) -> None:
    fields = UsageFields({field: 3.5})
    assert (field in fields.unknown()) is billed


def test_an_endlessly_nested_artifact_is_rejected() -> None:
    nested = b"[" * 900 + b"]" * 900
    with pytest.raises(ArtifactError, match="not a Sluice artifact"):
        read_artifact(b'{"sluice_artifact":"a","body":' + nested + b"}")


def _content_of(content: Any, **more: Any) -> Any:
    choice = {"finish_reason": "stop", "message": {"content": content, **more}}
    return openai_answer.completion({"choices": [choice]}, CALL).message["content"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (None, None),
        ([], None),
        (["Hi", " ", "there"], "Hi there"),
        ([{"type": "text", "text": "Hi "}, "there"], "Hi there"),
        ([{"type": "output_text", "text": "Hi"}], "Hi"),
        ([{"type": "text", "text": None}, {"type": "image", "url": 1}], None),
    ],
)
def test_content_is_text_also_in_parts_and_texts(content: Any, text: str | None) -> None:
    assert _content_of(content) == text


@pytest.mark.parametrize(
    "content",
    [
        *(0, 42, 1.5, True, False, {}, {"text": "Hi"}, [1], ["Hi", 2], [None], [["Hi"]]),
        *([{"type": "text", "text": 5}], [{"type": "text", "text": {"value": "Hi"}}]),
        *([{"type": ["text"], "text": "5"}], [{"type": {}, "text": "5"}], [{"text": "5"}]),
    ],
)
def test_content_that_is_no_text_is_no_empty_success(content: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        _content_of(content)
    assert caught.value.error_class is ErrorClass.BAD_RESPONSE


@pytest.mark.parametrize("calls", [{"id": "a"}, "f()", 1])
def test_tool_calls_that_are_no_list_are_no_empty_success(calls: Any) -> None:
    with pytest.raises(ProviderError, match="tool calls that are not a list"):
        _content_of(None, tool_calls=calls)


@pytest.mark.parametrize("text", [5, {"value": "Hi"}, ["Hi"]])
def test_anthropic_s_missing_text_is_no_empty_success(text: Any) -> None:
    document = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    with pytest.raises(ProviderError, match="text part without text"):
        answer.completion(document, CALL)
