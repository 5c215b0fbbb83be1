"""Avro requests have every field of JSON requests; an earlier answer is sent back unchanged."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.chat import Message, RequestDocument
from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import Codec
from schemas.errors import InvalidRequestError
from schemas.request import Request, read_request, request_document

REFUSED = {"n", "stream"}
ANOTHER_NAME = {"user"}
"""`user_id` in Avro."""

TURNS: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "It asks for weather.",
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "w", "arguments": '{"order":25227143063332189585438}'},
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            }
        ],
    },
    {
        "role": "assistant",
        "content": "Sunny.",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}],
    },
    {"role": "assistant", "content": None, "refusal": "No."},
]


def _fields(schema: dict[str, Any]) -> set[str]:
    return {field["name"] for field in schema["fields"]}


def _read(*messages: dict[str, Any]) -> Request:
    codec = Codec("Request")
    record = {"messages": [{"role": "user", "content": "Weather?"}, *messages]}
    return read_request(request_document(codec.decode(codec.encode(record))))


def test_avro_has_every_field_that_json_has() -> None:
    assert set(RequestDocument.model_fields) - REFUSED - ANOTHER_NAME == _fields(
        whole_schema("Request")
    )


@pytest.mark.parametrize("turn", TURNS, ids=["tool call", "thinking", "refusal"])
def test_an_earlier_answer_is_sent_back_unchanged(turn: dict[str, Any]) -> None:
    request = _read({"role": "assistant", "turn": orjson.dumps(turn).decode()})
    kept = Message.model_validate(turn).model_dump(exclude_unset=True, exclude_none=True)
    answered = {name: value for name, value in request.body["messages"][1].items() if value}
    assert answered == kept


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "turn": "{"},
        {"role": "assistant", "turn": "[]"},
        {"role": "assistant", "turn": '{"content":"x"}', "content": "y"},
        {"role": "user", "turn": '{"content":"x"}'},
        {"role": "assistant", "turn": '{"role":"system","content":"x"}'},
        {"role": "assistant", "turn": '{"content":"x","colour":"red"}'},
    ],
)
def test_an_invalid_turn_is_refused_by_name(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match=r"^messages\.(turn|1)"):
        _read(message)


def test_settings_of_the_vendors_pass_in_avro() -> None:
    codec = Codec("Request")
    fields = {
        "logit_bias": {"50256": -100.0},
        "verbosity": "low",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "service_tier": "flex",
        "store": False,
        "max_tokens": 5,
    }
    record = codec.decode(codec.encode({"prompt": "x", **fields}))
    body = read_request(request_document(record)).body
    assert {name: body[name] for name in fields} == fields
