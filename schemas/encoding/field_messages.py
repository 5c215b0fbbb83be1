"""Error messages for fields: pydantic's errors in words for operators.

Messages quote no input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "unknown key",
    "unexpected_keyword_argument": "unknown key",
    "invalid_key": "a key must be text; put it in quotes",
    "string_unicode": "expected text in UTF-8",
    "frozen_field": "cannot be changed",
}
_KINDS = {
    "string": "text (in quotes where YAML reads a number, a date, yes or no)",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "iterable": "a list",
    "dict": "a mapping (`key: value`)",
    "mapping": "a mapping (`key: value`)",
    "model": "a mapping (`key: value`)",
    "model_attributes": "a mapping (`key: value`)",
    "dataclass": "a mapping (`key: value`)",
    "path": "a path",
    "url": "a URL",
    "date": "a date",
    "datetime": "a time",
    "none_required": "nothing",
}
JSON_KINDS = {
    **_KINDS,
    "string": "text",
    **dict.fromkeys(
        ("dict", "mapping", "model", "model_attributes", "dataclass"), "an object (`{...}`)"
    ),
}
"""Names of JSON types; the default names are those of YAML."""

_ENDINGS = ("_type", "_parsing", "_from_float", "_from_datetime_inexact", "_size", "_exact")
_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda bound: f"must be above {bound['gt']}",
    "greater_than_equal": lambda bound: f"must be at least {bound['ge']}",
    "less_than": lambda bound: f"must be below {bound['lt']}",
    "less_than_equal": lambda bound: f"must be at most {bound['le']}",
    "multiple_of": lambda bound: f"must be a multiple of {bound['multiple_of']}",
    "too_short": lambda bound: f"needs at least {_entries(bound['min_length'])}",
    "too_long": lambda bound: f"may have at most {_entries(bound['max_length'])}",
    "string_too_short": lambda bound: f"needs at least {_characters(bound['min_length'])}",
    "string_too_long": lambda bound: f"may have at most {_characters(bound['max_length'])}",
    "decimal_max_digits": lambda bound: f"may have at most {bound['max_digits']} digits",
    "decimal_max_places": lambda bound: (
        f"may have at most {bound['decimal_places']} digits after the point"
    ),
    "decimal_whole_digits": lambda bound: (
        f"may have at most {bound['whole_digits']} digits before the point"
    ),
    "literal_error": lambda bound: (
        "must be one of " + str(bound["expected"]).replace("'", "").replace(" or ", ", ")
    ),
}


def field_message(
    item: Mapping[str, Any],
    patterns: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] = _KINDS,
) -> str:
    """Return the message for one error of a `ValidationError`.

    `patterns` maps regular expressions to messages, `kinds` maps types to their names in the
    document.
    """
    kind, bounds = str(item["type"]), item.get("ctx") or {}
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind](bounds)
    if kind == "string_pattern_mismatch":
        return (patterns or {}).get(bounds.get("pattern", ""), "contains invalid characters")
    if kind in {"value_error", "assertion_error"}:
        return str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for ending in ("", *_ENDINGS):
        words = kinds.get(kind.removesuffix(ending)) if kind.endswith(ending) else None
        if words is not None:
            return f"expected {words}"
    return str(item["msg"])


def field_errors(error: ValidationError) -> list[dict[str, Any]]:
    """Return the errors of a `ValidationError` without the input values."""
    return [dict(each) for each in error.errors(include_url=False, include_input=False)]


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"
