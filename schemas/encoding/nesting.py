"""Limits on nesting and number of values of JSON, checked before any other code walks it.

orjson reads 1,024 levels but writes only 254, and recursion over deep values may end a process. 4
MiB of empty objects are 1.4 million validation errors, which took ten seconds and 2 GB (measured).
A request above the limits is rejected by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MAX_DEPTH = 100
"""Most levels of lists and objects of a request; schemas of real tools have about twelve."""

MAX_VALUES = 100_000
"""Most values in lists and objects of a request, over all levels."""

MAX_CONTAINERS = 50_000
"""Most lists and objects of a request."""

MAX_FRACTIONS = 10_000
"""Most numbers of a request with a fraction, an exponent or more than 64 bits: reading one exactly
takes a microsecond.
"""

MAX_FIELDS = 2_048
"""Most fields of one object of a request."""


def overgrown(document: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """Return the field of a document that exceeds a limit, and the limit in words. The field is
    `None` for the document itself. Return `None` within the limits.
    """
    seen, fractions = len(document), 0
    if seen > MAX_FIELDS:
        return None, f"more than {MAX_FIELDS} fields"
    for name, value in document.items():
        level = [value] if isinstance(value, dict | list) else []
        for _ in range(MAX_DEPTH):
            if not level:
                break
            seen += sum(map(len, level))
            if seen > MAX_VALUES:
                return name, f"more than {MAX_VALUES} values"
            if any(len(each) > MAX_FIELDS for each in level if isinstance(each, dict)):
                return name, f"more than {MAX_FIELDS} fields"
            fractions += sum(isinstance(each, float) for inner in level for each in _parts(inner))
            if fractions > MAX_FRACTIONS:
                return name, f"more than {MAX_FRACTIONS} numbers with a fraction"
            level = [inner for each in level for inner in _inside(each)]
        if level:
            return name, f"nested deeper than {MAX_DEPTH} levels"
    return None


def _inside(value: Any) -> list[Any]:
    return [part for part in _parts(value) if isinstance(part, dict | list)]


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
