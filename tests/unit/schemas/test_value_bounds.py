"""Values are counted before they are parsed: requests, JSON inside Avro, and answers."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding import exact_json
from schemas.encoding.avro_bytes import GUARDED_FROM, avro_stream
from schemas.encoding.json_bounds import MAX_TEXT_CONTAINERS, MAX_TEXT_VALUES, crowd_in, read_text
from schemas.encoding.nesting import MAX_FRACTIONS, MAX_VALUES
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.request import request_document
from streams.providers.answer_fields import MAX_ANSWER_CONTAINERS, MAX_ANSWER_VALUES, decode
from streams.providers.port import ProviderError

TEXTS = st.sampled_from(["", "a", '",[{', "\\", '\\"[,', "é中,"])
VALUES = st.recursive(
    st.sampled_from([None, True, 1, -1.5]) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def _count(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    return 1


@given(VALUES)
def test_values_within_the_bounds_pass(value: object) -> None:
    values = _count(value)
    assert crowd_in(orjson.dumps(value), 2 * values, values) is None


@given(st.lists(VALUES, min_size=3))
def test_values_beyond_the_bounds_are_detected(value: list[object]) -> None:
    written = orjson.dumps(value)
    assert crowd_in(written, len(value) - 1, 1_000) == f"more than {len(value) - 1} values"
    assert crowd_in(written, 1_000, 0) == "more than 0 lists and objects"


@given(st.lists(st.lists(TEXTS, min_size=1), min_size=1))
def test_values_are_counted_exactly(value: list[list[str]]) -> None:
    written = orjson.dumps(value)
    # The outer list opens, and so does each list in it; each text but the first has a comma.
    values = sum(len(each) + 1 for each in value)
    assert crowd_in(written, values, len(value) + 1) is None
    assert crowd_in(written, values - 1, len(value) + 1) == f"more than {values - 1} values"
    assert crowd_in(written, values, len(value)) == f"more than {len(value)} lists and objects"


def test_marks_inside_of_texts_are_not_counted() -> None:
    text = orjson.dumps(['[{,"\\' * 1_000, {"a,[{": ',\\",'}])
    assert crowd_in(text, 4, 2) is None


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1," * MAX_TEXT_VALUES + "1]",
        "[" + "[]," * MAX_TEXT_CONTAINERS + "1]",
        '{"a":[' + '{"a":1},' * MAX_TEXT_CONTAINERS + "1]}",
    ],
)
def test_a_text_with_too_many_values_is_not_parsed(text: str) -> None:
    assert orjson.loads(text)
    with pytest.raises(orjson.JSONDecodeError, match="more than"):
        read_text(text)


def test_json_inside_of_an_avro_request_has_the_same_bound() -> None:
    record = {"prompt": "x", "extra_body": "[" + "1," * MAX_VALUES + "1]"}
    with pytest.raises(InvalidRequestError, match=f"extra_body: more than {MAX_VALUES} values"):
        request_document(record)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (b"1", MAX_ANSWER_VALUES),
        (b"1.5", MAX_ANSWER_VALUES),
        (b'""', MAX_ANSWER_VALUES),
        (b"[]", MAX_ANSWER_CONTAINERS),
        (b'{"a":1}', MAX_ANSWER_CONTAINERS),
    ],
)
def test_an_answer_of_too_many_values_is_not_read(value: bytes, count: int) -> None:
    body = b'{"choices":[%s]}' % b",".join([value] * (count + 1))
    with pytest.raises(ProviderError, match=f"has more than {count}"):
        decode(body, 200)


def test_an_answer_with_many_log_probabilities_is_read() -> None:
    token = {"token": "a", "logprob": -0.25, "bytes": [97]}
    places = [{**token, "top_logprobs": [token] * 20} for _ in range(1_500)]
    body = orjson.dumps({"choices": [{"logprobs": {"content": places}}]})
    assert len(decode(body, 200)["choices"][0]["logprobs"]["content"]) == 1_500


def test_fractions_keep_their_digits_up_to_the_limit() -> None:
    few, many = (
        b"[%s]" % b",".join([b"1.10"] * count) for count in (MAX_FRACTIONS, MAX_FRACTIONS + 1)
    )
    assert exact_json.dumps(exact_json.loads(few)) == few
    assert exact_json.loads(many) == [1.1] * (MAX_FRACTIONS + 1)
    assert not isinstance(exact_json.loads(many)[0], exact_json.ExactFloat)


@pytest.mark.parametrize("size", [100, GUARDED_FROM, GUARDED_FROM + 1])
def test_an_integer_of_ten_bytes_is_read_and_the_next_field_too(size: int) -> None:
    data = b"\xff" * 9 + b"\x01" + b"\xff" * size
    stream = avro_stream(data, 0)
    assert b"".join(stream.read(1) for _ in range(10)) == data[:10]
    assert stream.read(size) == b"\xff" * size


def test_an_integer_of_eleven_bytes_is_refused_in_a_large_value() -> None:
    stream = avro_stream(b"\x80" * (GUARDED_FROM + 1), 0)
    assert b"".join(stream.read(1) for _ in range(9)) == b"\x80" * 9
    with pytest.raises(UndecodableError, match="more than 10 bytes"):
        stream.read(1)
