"""Any bytes decode to a record or a named error, and records survive a round trip."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding.avro_schemas import Schema, whole_schema
from schemas.encoding.codec import SINGLE_OBJECT_MARK, Codec, Format, UnknownSchemaError
from schemas.errors import UndecodableError

OPINION = {"request_id": "r1", "tenant": None, "score": 0.5, "label": None, "comment": "fine"}


class Ids:
    """A schema registry's answers, in memory."""

    def __init__(self) -> None:
        self.known: dict[int, Schema] = {7: whole_schema("Feedback")}

    def id_of(self, name: str) -> int:
        return 7

    def schema(self, schema_id: int) -> Schema | None:
        return self.known.get(schema_id)


def _codec(*, framed: bool = False) -> Codec:
    return Codec("Feedback", Ids() if framed else None)


opinions = st.fixed_dictionaries(
    {
        "request_id": st.text(max_size=40),
        "tenant": st.none() | st.text(max_size=10),
        "score": st.none() | st.floats(0, 1),
        "label": st.none() | st.text(max_size=20),
        "comment": st.none() | st.text(max_size=200),
    }
)


@given(opinions)
def test_a_record_survives_a_round_trip_through_every_encoding(opinion: dict[str, Any]) -> None:
    for codec, form in (
        (_codec(), Format.JSON),
        (_codec(), Format.SINGLE_OBJECT),
        (_codec(framed=True), Format.CONFLUENT),
        (_codec(framed=True), Format.SINGLE_OBJECT),
    ):
        assert codec.decode(codec.encode(opinion, form)) == opinion


@given(st.binary(max_size=300))
def test_garbage_is_undecodable_and_nothing_else(data: bytes) -> None:
    for codec in (_codec(), _codec(framed=True)):
        for start in (b"", SINGLE_OBJECT_MARK, codec.encode(OPINION)[:10], b"\x00\x00\x00\x00\x07"):
            try:
                codec.decode(start + data)
            except UndecodableError:
                continue


@given(st.integers(0, 200))
def test_a_record_that_is_cut_off_is_undecodable(length: int) -> None:
    encoded = _codec().encode(OPINION)
    if length < len(encoded):
        with pytest.raises(UndecodableError):
            _codec().decode(encoded[:length])


def test_bytes_after_a_record_are_an_error() -> None:
    with pytest.raises(UndecodableError, match="extra bytes after"):
        _codec().decode(_codec().encode(OPINION) + b"x")


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(UndecodableError, match="0102030405060708"):
        _codec().decode(SINGLE_OBJECT_MARK + bytes(range(1, 9)) + b"rest")


def test_an_unknown_schema_id_requests_its_schema() -> None:
    with pytest.raises(UnknownSchemaError):
        _codec(framed=True).decode(b"\x00" + struct.pack(">I", 99) + b"rest")


@pytest.mark.parametrize(
    "schema",
    [
        whole_schema("Reply"),
        {"type": "string"},
        {"type": "record"},
        {"type": "no such type"},
        ["null", "null"],
        None,
        7,
    ],
)
def test_a_frame_with_another_value_s_schema_is_undecodable(schema: Any) -> None:
    ids = Ids()
    ids.known[8] = schema
    codec = Codec("Feedback", ids)

    with pytest.raises(UndecodableError):
        codec.decode(struct.pack(">bI", 0, 8) + codec.encode(OPINION)[5:])
