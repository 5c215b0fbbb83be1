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
        for path in _places(text.value, validated, ())
    ]


def _places(read: Any, validated: Any, path: Path) -> Iterator[Path]:
    if isinstance(read, bool):
        if isinstance(validated, int | float | Decimal) and not isinstance(validated, bool):
            yield path
    elif isinstance(read, Mapping) and isinstance(validated, Mapping):
        for key, value in read.items():
            if key in validated:
                yield from _places(value, validated[key], (*path, str(key)))
    elif isinstance(read, list) and isinstance(validated, Sequence):
        for number, (value, found) in enumerate(zip(read, validated, strict=False)):
            yield from _places(value, found, (*path, str(number)))
