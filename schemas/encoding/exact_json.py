"""JSON with exact numbers.

orjson reads an integer above 64 bits as a float and writes `1.10` as `1.1`. An order number or an
amount in a tool call must not change. Every number that orjson changes is read as a float, so a
document without floats uses only orjson. So does a document with more numbers or values than the
limits: reading a number exactly takes a microsecond.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.encoding.nesting import MAX_CONTAINERS, MAX_FRACTIONS, MAX_VALUES

_INT64 = range(-(2**63), 2**64)
_MAX_LEVELS = 254
"""Levels that orjson writes."""


class ExactFloat(float):
    """A float that keeps its original text."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> ExactFloat:
        """Parse a JSON number with a fraction or an exponent."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def loads(data: bytes | str) -> Any:
    """Decode JSON. Above the limits of a request (`schemas.encoding.nesting`) numbers are not read
    exactly.

    Raises:
        orjson.JSONDecodeError: invalid JSON, or a number outside the range of a double.
    """
    value = orjson.loads(data)
    if not _is_read_exactly(value):
        return value
    try:
        # orjson has validated the text, so the more lenient parser cannot accept invalid JSON here.
        return json.loads(data, parse_float=ExactFloat)
    except RecursionError:
        # Nested deeper than the exact reader supports; the nesting limit rejects it later.
        return value


def dumps(value: Any) -> bytes:
    """Encode as JSON.

    Raises:
        TypeError: a value is not JSON, or is nested deeper than orjson writes.
    """
    try:
        return orjson.dumps(value, default=_written)
    except TypeError:
        return orjson.dumps(_with_long_integers(value, _MAX_LEVELS), default=_written)


def plain(value: Any) -> Any:
    """Return the same value with ordinary floats, for libraries that check types."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, ExactFloat) else value


def _is_read_exactly(value: Any) -> bool:
    """Return whether a value has a float, and floats, values, lists and objects within the limits
    of exact reading.
    """
    found, seen, opened, level = 0, 0, 0, [value]
    while level:
        below: list[Any] = []
        for each in level:
            # orjson makes exact types, most of them strings.
            kind = type(each)
            if kind is str:
                continue
            if kind is float:
                found += 1
            elif kind is dict or kind is list:
                opened += 1
                if opened > MAX_CONTAINERS:
                    return False
                below.extend(each.values() if kind is dict else each)
        seen += len(below)
        if found > MAX_FRACTIONS or seen > MAX_VALUES:
            return False
        level = below
    return found > 0


def _written(value: Any) -> Any:
    if isinstance(value, ExactFloat):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _with_long_integers(value: Any, levels: int) -> Any:
    """Return a copy in which integers above 64 bits are written as their digits."""
    if levels < 0:
        raise TypeError("nested too deeply")
    if isinstance(value, Mapping):
        return {name: _with_long_integers(each, levels - 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_long_integers(each, levels - 1) for each in value]
    if type(value) is int and value not in _INT64:
        return orjson.Fragment(str(value))
    return value
