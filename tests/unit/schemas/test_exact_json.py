"""JSON numbers keep their digits through a round trip."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding import exact_json

NUMBERS = [
    "25227143063332189585438",
    "-99999999999999999999",
    "1.10",
    "0.1000000000000000055511151231257827",
    "1e5",
    "1E-7",
    "-0.0",
    "18446744073709551616",
    "9007199254740993",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("text", ["%s", "[%s]", '{"a":%s}', '{"a":[{"b":%s}],"c":"1.10"}'])
def test_a_number_keeps_its_digits(number: str, text: str) -> None:
    written = (text % number).encode()
    assert exact_json.dumps(exact_json.loads(written)) == written


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_still_the_number_that_it_was(number: float) -> None:
    again = exact_json.loads(exact_json.dumps({"a": number}))["a"]
    assert again == number or isinstance(number, int)
    assert exact_json.loads(str(number) if isinstance(number, int) else repr(number)) == number


@pytest.mark.parametrize("text", ["NaN", "1e999", "-Infinity", "01", '{"a":1.5,}', "9" * 400, ""])
def test_json_that_orjson_rejects_is_rejected(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        exact_json.loads(text)


def test_deep_documents_neither_crash_nor_are_written() -> None:
    deep = exact_json.loads(b'{"a":' * 1_000 + b"1.5" + b"}" * 1_000)
    with pytest.raises(TypeError):
        exact_json.dumps(deep)


def test_a_value_without_a_json_form_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        exact_json.dumps({"a": {1, 2}})


def test_plain_floats_are_what_other_libraries_get() -> None:
    plain = exact_json.plain(exact_json.loads(b'{"a":[1.10,2]}'))
    assert plain == {"a": [1.1, 2]}
    assert type(plain["a"][0]) is float
