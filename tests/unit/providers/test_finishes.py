"""How an answer ended: an unknown end is a failure, and its usage is still booked."""

from __future__ import annotations

from typing import Any

import pytest

from streams.providers.anthropic import answer as anthropic_answer
from streams.providers.openai import answer as openai_answer
from streams.providers.port import Completion, ErrorClass, ProviderError
from tests.unit.providers.world import chat, good


def _read(name: str, document: dict[str, Any]) -> Completion:
    read = {"openai": openai_answer.completion, "anthropic": anthropic_answer.completion}[name]
    return read(document, chat("m"))


def _error(name: str, document: dict[str, Any]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        _read(name, document)
    return caught.value


def _ended(finish: Any, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "To prove"}
    return good("openai", choices=[{"message": message, "finish_reason": finish, **more}])


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("error", ErrorClass.SERVER),
        ("network_error", ErrorClass.SERVER),
        ("abort", ErrorClass.SERVER),
        ("insufficient_system_resource", ErrorClass.OVERLOADED),
        ("unheard_of", ErrorClass.BAD_RESPONSE),
        ("", ErrorClass.BAD_RESPONSE),
        (["stop"], ErrorClass.BAD_RESPONSE),
        ({"stop": 1}, ErrorClass.BAD_RESPONSE),
        (0, ErrorClass.BAD_RESPONSE),
        (False, ErrorClass.BAD_RESPONSE),
    ],
    ids=str,
)
def test_an_unknown_or_failed_end_is_no_answer_and_was_used_all_the_same(
    finish: Any, kind: ErrorClass
) -> None:
    error = _error("openai", _ended(finish))
    assert error.error_class is kind
    assert error.status == 200
    assert error.usage is not None
    assert (error.usage.input_tokens, error.usage.output_tokens) == (9, 3)


def test_an_error_inside_a_choice_is_the_failure() -> None:
    error = _error("openai", _ended("error", error={"code": 502, "message": "upstream"}))
    assert error.error_class is ErrorClass.SERVER
    limited = _error("openai", _ended("error", error={"code": 429}))
    assert limited.error_class is ErrorClass.RATE_LIMITED


@pytest.mark.parametrize("finish", ["model_length", "max_tokens", "length"])
def test_a_truncated_answer_has_finish_reason_length(finish: str) -> None:
    assert _read("openai", _ended(finish)).finish_reason == "length"


def test_a_missing_finish_reason_is_stop_only_for_a_non_empty_answer() -> None:
    assert _read("openai", _ended(None)).finish_reason == "stop"
    empty = good("openai", choices=[{"message": {"content": ""}}])
    assert _error("openai", empty).error_class is ErrorClass.BAD_RESPONSE


@pytest.mark.parametrize("reason", ["unheard_of", "", {"odd": 1}, 7, ["end_turn"]], ids=str)
def test_anthropic_s_unknown_stop_is_no_answer(reason: Any) -> None:
    error = _error("anthropic", good("anthropic", stop_reason=reason))
    assert error.error_class is ErrorClass.BAD_RESPONSE
    assert error.usage is not None
    assert error.usage.input_tokens == 9


def test_an_anthropic_error_with_status_200_is_that_error() -> None:
    document = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    assert _error("anthropic", document).error_class is ErrorClass.OVERLOADED


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "gone"}, ErrorClass.OVERLOADED),
        ({"code": 429}, ErrorClass.RATE_LIMITED),
        ("the upstream closed the stream", ErrorClass.SERVER),
        ([{"code": 529}], ErrorClass.OVERLOADED),
    ],
    ids=str,
)
def test_an_error_next_to_an_answer_is_the_failure(error: Any, kind: ErrorClass) -> None:
    assert _error("openai", _ended("stop", error=error)).error_class is kind
    assert _error("openai", {**_ended("stop"), "error": error}).error_class is kind
    assert _error("openai", {**_ended("stop"), "errors": error}).error_class is kind
    assert _error(
        "anthropic", good("anthropic", error={"type": "rate_limit_error"})
    ).error_class is (ErrorClass.RATE_LIMITED)


@pytest.mark.parametrize("nothing", [None, {}, [], "", False], ids=str)
def test_an_empty_error_is_not_an_error(nothing: Any) -> None:
    document = {**_ended("stop", error=nothing), "error": nothing, "errors": nothing}
    assert _read("openai", document).finish_reason == "stop"
    assert _read("anthropic", good("anthropic", error=nothing)).finish_reason == "stop"


def test_an_end_by_a_tool_call_that_is_not_there_is_no_answer() -> None:
    for ended in (_ended("tool_use"), _ended("function_call")):
        assert _error("openai", ended).error_class is ErrorClass.BAD_RESPONSE
    error = _error("anthropic", good("anthropic", stop_reason="tool_use"))
    assert error.error_class is ErrorClass.BAD_RESPONSE
    assert error.usage is not None


@pytest.mark.parametrize("arguments", [["London"], 3, True, 1.5, []], ids=str)
def test_arguments_that_are_no_object_are_never_replaced_by_none(arguments: Any) -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choices = [{"message": message, "finish_reason": "tool_calls"}]
    assert _error("openai", good("openai", choices=choices)).error_class is ErrorClass.BAD_RESPONSE
    block = {"type": "tool_use", "id": "a", "name": "f", "input": arguments}
    answer = good("anthropic", content=[block], stop_reason="tool_use")
    assert _error("anthropic", answer).error_class is ErrorClass.BAD_RESPONSE
