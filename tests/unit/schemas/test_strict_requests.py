"""The validated value is the forwarded value; messages that an SDK dumps are accepted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.encoding.codec import Codec, Format
from schemas.errors import InvalidRequestError
from schemas.request import read_request, request_document

HI = {"role": "user", "content": "Hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"}}


def _body(**document: Any) -> dict[str, Any]:
    return dict(read_request(document).body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", "100"),
        ("max_tokens", 100.0),
        ("max_completion_tokens", True),
        ("temperature", "0.7"),
        ("temperature", False),
        ("top_p", "1"),
        ("seed", "7"),
        ("seed", 2**63),
        ("frequency_penalty", "0"),
        ("logprobs", "true"),
        ("logprobs", 1),
        ("top_logprobs", "2"),
        ("parallel_tool_calls", "false"),
        ("store", 0),
        ("stop", [1]),
        ("logit_bias", {"5": "-100"}),
        ("deadline_ms", "60000"),
        ("retrieval", {"scores": ["0.9"]}),
        ("metadata", {"a": 1}),
        ("user", 5),
        ("n", True),
        ("n", "1"),
        ("model", 4),
    ],
)
def test_a_value_of_another_type_is_refused_by_name_and_not_quoted(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_request({"prompt": "Hi", field: value})
    assert str(caught.value).startswith(field)
    assert "0.9" not in str(caught.value)


@pytest.mark.parametrize("part", ["role", "content", "name"])
def test_types_are_strict_inside_of_messages(part: str) -> None:
    with pytest.raises(InvalidRequestError, match="messages"):
        read_request({"messages": [{**HI, part: 5}]})


def test_avro_carries_the_same_strictness_in_its_json_fields() -> None:
    record = {"prompt": "Hi", "response_format": '{"type": "json_object", "json_schema": "x"}'}
    codec = Codec("Request")
    again = codec.decode(codec.encode(record, Format.SINGLE_OBJECT))
    with pytest.raises(InvalidRequestError, match="response_format"):
        read_request(request_document(again))


def test_an_integer_is_accepted_as_a_number() -> None:
    assert _body(prompt="Hi", temperature=1, logit_bias={"5": -100})["temperature"] == 1


DUMP: dict[str, Any] = {
    "role": "assistant",
    "content": "Hello",
    "refusal": None,
    "annotations": [],
    "audio": None,
    "function_call": None,
    "tool_calls": None,
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tool_calls": []},
        {"parsed": None, "reasoning_details": [], "images": [], "provider_specific_fields": {}},
        {"reasoning": None, "name": None},
    ],
    ids=str,
)
def test_an_sdk_s_dump_of_an_answer_is_accepted_as_a_turn(more: dict[str, Any]) -> None:
    body = _body(messages=[HI, {**DUMP, **more}, {"role": "user", "content": "And?"}])
    assert body["messages"][1] == {"role": "assistant", "content": "Hello"}


def test_a_dumped_tool_call_loses_null_fields_and_its_stream_index() -> None:
    call = {**CALL, "index": 0, "function": {**CALL["function"], "parsed_arguments": None}}  # type: ignore[dict-item]
    body = _body(messages=[HI, {**DUMP, "content": None, "tool_calls": [call]}])
    assert body["messages"][1] == {"role": "assistant", "content": None, "tool_calls": [CALL]}


@pytest.mark.parametrize(
    "message",
    [
        {**HI, "audio": {"id": "x"}},
        {**DUMP, "function_call": {"name": "f", "arguments": "{}"}},
        {**DUMP, "tool_calls": 5},
        {**HI, "unheard_of": []},
        {"role": "assistant"},
    ],
    ids=str,
)
def test_an_unknown_value_of_a_field_is_rejected(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"messages\.0"):
        read_request({"messages": [message]})


REASONING: dict[str, dict[str, Any]] = {
    "DeepSeek": {"reasoning_content": "x"},
    "OpenRouter": {
        "reasoning": "x",
        "reasoning_details": [{"type": "reasoning.text", "text": "x", "signature": "s"}],
    },
    "Gemini": {"extra_content": {"google": {"thought_signature": "s"}}},
    "Anthropic": {
        "thinking_blocks": [
            {"type": "thinking", "thinking": "x", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
        ]
    },
    "Mistral": {
        "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}],
    },
    "Gemini's calls": {
        "tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "s"}}}]
    },
}


@pytest.mark.parametrize("who", REASONING)
def test_reasoning_is_part_of_the_conversation(who: str) -> None:
    turn = {"role": "assistant", "content": None, "tool_calls": [CALL], **REASONING[who]}
    body = _body(messages=[HI, turn, {"role": "tool", "tool_call_id": "a", "content": "sunny"}])
    assert body["messages"][1] == turn


def test_numbers_that_orjson_would_change_keep_their_digits() -> None:
    text = (
        b'{"prompt":"Hi","extra_body":{"order":25227143063332189585438,"sum":1.10,'
        b'"share":0.1000000000000000055511151231257827}}'
    )
    body = read_request(Codec("Request").decode(text)).body
    assert str(body["extra_body"]["order"]) == "25227143063332189585438"
    with pytest.raises(TypeError):
        orjson.dumps(body)
