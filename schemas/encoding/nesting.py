"""How deep a JSON value is nested and how many values it holds, bounded before anything walks it.

What is read at 1,024 levels (orjson) can be written at 254 only, and walking it by recursion may
end a process; 4 MiB of empty objects are 1.4 million faults to a validator, which took ten seconds
and 2 GB (measured). So a request is refused by name well before either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MAX_DEPTH = 100
"""Levels of lists and objects that a request may have; schemas of real tools have a dozen."""

MAX_VALUES = 100_000
"""Values in lists and objects that a request may have, all levels together."""

MAX_CONTAINERS = 50_000
"""Lists and objects that a request may have."""

MAX_FRACTIONS = 10_000
"""Numbers with a fraction, an exponent or more than 64 bits that a request may have: reading one
exactly takes a microsecond.
"""

MAX_FIELDS = 2_048
"""Fields that one object of a request may have."""


def overgrown(document: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """The field of a document that has too many levels, values or fields, and what it has too many
    of; the field is `None` for the document itself. `None` where all is within bounds.
    """
    seen, fractions = len(document), 0
    if seen > MAX_FIELDS:
        return None, f"more than the {MAX_FIELDS} fields that are taken"
    for name, value in document.items():
        level = [value] if isinstance(value, dict | list) else []
        for _ in range(MAX_DEPTH):
            if not level:
                break
            seen += sum(map(len, level))
            if seen > MAX_VALUES:
                return name, f"more than the {MAX_VALUES} values that are taken"
            if any(len(each) > MAX_FIELDS for each in level if isinstance(each, dict)):
                return name, f"more than the {MAX_FIELDS} fields that are taken"
            fractions += sum(isinstance(each, float) for inner in level for each in _parts(inner))
            if fractions > MAX_FRACTIONS:
                return name, f"more than the {MAX_FRACTIONS} numbers with a fraction that are taken"
            level = [inner for each in level for inner in _inside(each)]
        if level:
            return name, f"nested deeper than the {MAX_DEPTH} levels that are taken"
    return None


def _inside(value: Any) -> list[Any]:
    return [part for part in _parts(value) if isinstance(part, dict | list)]


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
