"""An Avro record of megabytes of tiny values is abandoned, one with a large text is read."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.chat import MAX_MESSAGES, MAX_METADATA, MAX_TOOLS
from schemas.encoding.avro_bytes import MOST_READS
from schemas.encoding.codec import CONFLUENT_MARK, Codec
from schemas.errors import UndecodableError
from schemas.topics import MAX_REQUEST_BYTES


class _Schemas:
    """A schema registry with one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def id_of(self, name: str) -> int:
        return 1

    def schema(self, schema_id: int) -> Any:
        return self._schema


def _long(number: int) -> bytes:
    """A number as Avro writes it."""
    number <<= 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _record(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Request", "fields": [{"name": "f", "type": kind}]}


MANY = MAX_REQUEST_BYTES - 100


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": ["null"]},
        {"type": "array", "items": "string"},
        {"type": "array", "items": {"type": "array", "items": "int"}},
        {"type": "map", "values": "null"},
        {"type": "array", "items": {"type": "record", "name": "P", "fields": [
            {"name": "a", "type": ["null", "int"]}, {"name": "b", "type": ["null", "int"]}]}},
    ],
)  # fmt: skip
def test_megabytes_of_tiny_values_are_not_read_to_their_end(kind: Any) -> None:
    body = _long(MANY) + bytes(MANY) + b"\x00"

    with pytest.raises(UndecodableError, match=r"more than \d+ values"):
        Codec("Request", _Schemas(_record(kind))).decode(CONFLUENT_MARK + b"\0\0\0\x01" + body)


def test_a_large_text_and_many_scores_are_read() -> None:
    codec = Codec("Request")
    scores = [0.5] * 50_000
    text = "é" * (3 * 1024 * 1024 // 2)
    value = codec.encode(
        {"prompt": text, "messages": None, "retrieval": {"scores": scores, "query_type": None}}
    )
    record = codec.decode(value)

    assert len(value) > 3 * 1024 * 1024
    assert record["prompt"] == text
    assert len(record["retrieval"]["scores"]) == len(scores) < MOST_READS


def test_the_longest_accepted_conversation_is_read() -> None:
    codec = Codec("Request")
    part = {"type": "text", "text": "x" * 200}
    value = codec.encode(
        {
            "prompt": None,
            "messages": [{"role": "user", "content": [part, part]}] * MAX_MESSAGES,
            "tools": [{"name": "f", "description": "d" * 200, "parameters": "{}"}] * MAX_TOOLS,
            "retrieval": {"scores": [0.5] * 1_000, "query_type": "fact"},
            "metadata": {f"k{number}": "v" * 100 for number in range(MAX_METADATA)},
            "logit_bias": {str(number): 1.0 for number in range(300)},
        }
    )
    record = codec.decode(value)

    assert len(record["messages"]) == MAX_MESSAGES
    assert len(record["tools"]) == MAX_TOOLS
