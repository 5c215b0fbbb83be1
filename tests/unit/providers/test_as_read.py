"""What an answer is read as: finish reasons, usage, shapes that only some servers send."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.providers.port import Completion, ErrorClass
from tests.unit.providers.world import FORMATS, Wire, answering, good, run, served


def _read(name: str, document: Any, **body: Any) -> Completion:
    async def case() -> Any:
        async with served(name, answering(document)) as (wire, _):
            return await wire.ask(**body)

    found: Completion = run(case())
    return found


def _choice(finish: Any = "stop", **message: Any) -> dict[str, Any]:
    assistant = {"role": "assistant", "content": "Hello.", **message}
    return good("openai", choices=[{"message": assistant, "finish_reason": finish}])


@pytest.mark.parametrize("name", FORMATS)
def test_a_plain_answer(name: str) -> None:
    found = _read(name, good(name))
    assert found.message == {"role": "assistant", "content": "Hello."}
    assert found.response_id in {"chatcmpl-1", "msg_1"}
    assert (found.usage.input_tokens, found.usage.output_tokens) == (9, 3)
    assert found.usage.cache_read_tokens is None


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        (None, "stop"),
        ("eos", "stop"),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
    ],
)
def test_openai_s_finish_reasons(reason: Any, meant: str) -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    more = {"tool_calls": [call]} if meant == "tool_calls" else {}
    assert _read("openai", _choice(reason, **more)).finish_reason == meant


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        (None, "stop"),
    ],
)
def test_anthropic_s_stop_reasons(reason: Any, meant: str) -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    more = {"content": [call]} if meant == "tool_calls" else {}
    assert _read("anthropic", good("anthropic", stop_reason=reason, **more)).finish_reason == meant


def test_openai_s_usage_holds_cached_and_reasoning_tokens() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    found = _read("openai", good("openai", usage=usage, service_tier="priority")).usage
    assert (found.input_tokens, found.cache_read_tokens) == (100, 64)
    assert (found.output_tokens, found.reasoning_tokens) == (50, 30)
    assert found.service_tier == "priority"


def test_anthropic_s_input_is_counted_with_its_cached_tokens() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
        "service_tier": "standard",
    }
    found = _read("anthropic", good("anthropic", usage=usage)).usage
    assert (found.input_tokens, found.output_tokens) == (1_210, 5)
    assert (found.cache_read_tokens, found.cache_write_tokens) == (1_000, 200)
    assert found.cache_write_1h_tokens == 50
    assert found.service_tier is None


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("usage", [None, [], "much", {"prompt_tokens": -1, "input_tokens": True}])
def test_missing_usage_is_unknown_and_not_zero(name: str, usage: Any) -> None:
    found = _read(name, good(name, usage=usage)).usage
    assert (found.input_tokens, found.output_tokens) == (None, None)


def test_tool_calls_of_lenient_servers_keep_their_arguments() -> None:
    calls = [
        {"function": {"name": "f", "arguments": {"x": 1}}},
        {"function": {"name": "f", "arguments": ""}},
    ]
    found = _read("openai", _choice(content=None, tool_calls=calls))
    arrived = [call["function"]["arguments"] for call in found.message["tool_calls"]]
    identities = {call["id"] for call in found.message["tool_calls"]}
    assert arrived == ['{"x":1}', "{}"]
    assert len(identities) == 2
    assert found.finish_reason == "tool_calls"


def test_content_in_parts_is_joined_and_thinking_is_left_out() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo."},
    ]
    assert _read("openai", _choice(content=parts)).message["content"] == "Hello."
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Hello."},
    ]
    found = _read("anthropic", good("anthropic", content=blocks))
    assert found.message["content"] == "Hello."


def test_a_refusal_is_kept() -> None:
    found = _read("openai", _choice(content=None, refusal="I can't."))
    assert found.message == {"role": "assistant", "content": None, "refusal": "I can't."}


def test_logprobs_are_complete_or_omitted() -> None:
    def read(tokens: Any) -> Any:
        document = _choice()
        document["choices"][0]["logprobs"] = {"content": tokens}
        return _read("openai", document).logprobs

    assert read([{"logprob": -0.5}, {"logprob": 0}]) == (-0.5, 0.0)
    assert read([{"logprob": -0.5}, {"logprob": None}]) is None
    assert read([]) is None


def test_logprobs_are_kept_in_openai_s_form_if_every_token_has_one() -> None:
    def read(tokens: Any) -> Any:
        document = _choice()
        document["choices"][0]["logprobs"] = {"content": tokens}
        found = _read("openai", document).token_logprobs
        return None if found is None else orjson.loads(found)

    top = [{"token": "No", "logprob": -2.5, "bytes": None}]
    known = {"token": "Yes", "logprob": -0.5, "bytes": [89], "top_logprobs": top}
    bare = {"token": "Yes", "bytes": None, "logprob": -1, "other": 1}
    assert read([known, bare])["content"] == [
        known, {"token": "Yes", "bytes": None, "logprob": -1, "top_logprobs": []}
    ]  # fmt: skip
    assert read([known, {"logprob": -0.5}]) is None
    assert read([known, {"token": "Yes", "logprob": None}]) is None


@pytest.mark.parametrize(
    ("reason", "sequence", "found"),
    [
        ("stop_sequence", "END", "END"),
        ("stop_sequence", "x" * 10_000, None),
        ("stop_sequence", 5, None),
        ("end_turn", None, None),
        ("max_tokens", "END", None),
    ],
)
def test_the_stop_sequence_that_ended_an_answer_is_kept(
    reason: str, sequence: Any, found: str | None
) -> None:
    document = good("anthropic", stop_reason=reason, stop_sequence=sequence)
    assert _read("anthropic", document).stop_sequence == found


def test_a_code_fence_around_requested_json_is_removed() -> None:
    wanted = {"response_format": {"type": "json_object"}}
    fenced = good("anthropic", content=[{"type": "text", "text": '```json\n{"a": 1}\n```'}])
    assert _read("anthropic", fenced, **wanted).message["content"] == '{"a": 1}'
    assert "```" in _read("anthropic", fenced).message["content"]


UNUSABLE: dict[str, tuple[str, Any]] = {
    "openai, no choices": ("openai", {"choices": []}),
    "openai, no message": ("openai", {"choices": [{"finish_reason": "stop"}]}),
    "openai, a broken tool call": ("openai", _choice(tool_calls=["f"])),
    "openai, a nameless tool call": (
        "openai",
        _choice(tool_calls=[{"id": "1", "function": {"arguments": "{}"}}]),
    ),
    "anthropic, no content": ("anthropic", {"type": "message"}),
    "anthropic, a broken block": ("anthropic", good("anthropic", content=["text"])),
    "anthropic, a nameless tool": (
        "anthropic",
        good("anthropic", content=[{"type": "tool_use", "id": "1"}]),
    ),
    "openai, not JSON": ("openai", b"<html>"),
    "anthropic, a list": ("anthropic", []),
    "openai, bad UTF-8": ("openai", b'{"choices": "\xff"}'),
    "anthropic, nested without end": ("anthropic", b"[" * 100_000),
    "openai, nothing": ("openai", b""),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_unusable_answer_is_a_bad_response(what: str) -> None:
    name, document = UNUSABLE[what]

    async def case(wire: Wire) -> None:
        error = await wire.refused()
        assert error.error_class is ErrorClass.BAD_RESPONSE
        assert error.status == 200

    async def scenario() -> None:
        async with served(name, answering(document)) as (wire, _):
            await case(wire)

    run(scenario())


def test_an_error_inside_a_200_is_that_error() -> None:
    async def case() -> None:
        document = {"error": {"code": 429, "message": "slow down"}}
        async with served("openai", answering(document)) as (wire, _):
            assert (await wire.refused()).error_class is ErrorClass.RATE_LIMITED

    run(case())
