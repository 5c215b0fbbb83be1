"""JSON whose numbers keep their digits.

orjson reads an integer above 64 bits as a float and writes `1.10` as `1.1`. An order number or an
amount inside a tool call must not change on its way through. All numbers that orjson changes arrive
from it as floats, so a document without floats takes orjson's path alone. So does one of more
numbers or values than the bounds: reading a number exactly takes a microsecond.
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
    """A float that remembers how it was written."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> ExactFloat:
        """Read a JSON number with a fraction or an exponent."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def loads(data: bytes | str) -> Any:
    """Decode JSON. Above what a request may have (`schemas.encoding.nesting`) no number is read
    exactly.

    Raises:
        orjson.JSONDecodeError: it is not JSON, or holds a number that no double can stand for.
    """
    value = orjson.loads(data)
    if not _is_read_exactly(value):
        return value
    try:
        # orjson has checked the text: what the laxer reader would take beside JSON is not there.
        return json.loads(data, parse_float=ExactFloat)
    except RecursionError:
        # Nested deeper than the exact reader goes; whoever bounds nesting refuses it.
        return value


def dumps(value: Any) -> bytes:
    """Encode as JSON.

    Raises:
        TypeError: it holds what JSON cannot, or is nested deeper than orjson writes.
    """
    try:
        return orjson.dumps(value, default=_written)
    except TypeError:
        return orjson.dumps(_with_long_integers(value, _MAX_LEVELS), default=_written)


def plain(value: Any) -> Any:
    """The same value with ordinary floats, for libraries that look at types."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, ExactFloat) else value


def _is_read_exactly(value: Any) -> bool:
    """Whether a value holds a float, and no more floats, values, lists and objects than are read
    exactly.
    """
    found, seen, opened, level = 0, 0, 0, [value]
    while level:
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                opened += 1
                below.extend(each.values())
            elif isinstance(each, list):
                opened += 1
                below.extend(each)
            elif isinstance(each, float):
                found += 1
            if opened > MAX_CONTAINERS:
                return False
        seen += len(below)
        if found > MAX_FRACTIONS or seen > MAX_VALUES:
            return False
        level = below
    return found > 0


def _written(value: Any) -> Any:
    if isinstance(value, ExactFloat):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _with_long_integers(value: Any, levels: int) -> Any:
    """A copy in which integers above 64 bits stand as their digits."""
    if levels < 0:
        raise TypeError("nested too deeply")
    if isinstance(value, Mapping):
        return {name: _with_long_integers(each, levels - 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_long_integers(each, levels - 1) for each in value]
    if type(value) is int and value not in _INT64:
        return orjson.Fragment(str(value))
    return value
