"""How deep a JSON value is nested, bounded before anything walks it.

What is read at 1,024 levels (orjson) can be written at 254 only, and walking it by recursion may
end a process; so a request is refused by name well before either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MAX_DEPTH = 100
"""Levels of lists and objects that a request may have; schemas of real tools have a dozen."""


def is_deeper_than(value: Any, most: int = MAX_DEPTH) -> bool:
    """Whether lists and objects lie more than so many levels deep."""
    level = [value] if isinstance(value, Mapping | list) else []
    for _ in range(most):
        if not level:
            return False
        level = [inner for each in level for inner in _inside(each)]
    return bool(level)


def _inside(value: Any) -> list[Any]:
    parts: Iterable[Any] = value.values() if isinstance(value, Mapping) else value
    return [part for part in parts if isinstance(part, Mapping | list)]
