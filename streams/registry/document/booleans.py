"""Finds truth values where a validated document has a number: pydantic reads `yes` as 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from streams.registry.document.problems import Problem
from streams.registry.document.yaml_text import Path, YamlText


def booleans_as_numbers(text: YamlText, validated: Any, under: Path = ()) -> list[Problem]:
    """Return a problem for each; `validated` is the dump of the document at `under` in the text,
    and `text.value` is what it was read from.
    """
    return [
        Problem(
            path=".".join(path),
            message="expected a number, not true or false (YAML reads yes, no, on and off so)",
            line=text.line((*under, *path)),
        )
        for path in _places(text.value, validated)
    ]


def _places(read: Any, validated: Any) -> Iterator[Path]:
    left: list[tuple[Any, Any, Path]] = [(read, validated, ())]
    while left:
        given, found, path = left.pop()
        if isinstance(given, bool):
            if isinstance(found, int | float | Decimal) and not isinstance(found, bool):
                yield path
        elif isinstance(given, Mapping) and isinstance(found, Mapping):
            left.extend(
                (value, found[key], (*path, str(key)))
                for key, value in reversed(list(given.items()))
                if key in found
            )
        elif isinstance(given, list) and isinstance(found, Sequence):
            both = enumerate(zip(given, found, strict=False))
            left.extend((value, own, (*path, str(number))) for number, (value, own) in both)
