"""Scalars that YAML 1.1 reads as something that nobody means, or that cannot be read at all."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import yaml

from streams.registry.document.problems import Problem

TEXT = "tag:yaml.org,2002:str"
"""Tag of a scalar that is text."""

_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
_MOST_DIGITS = 400
"""Of a number: Python refuses to read more than 4,300, with an error without a place."""

Path = tuple[str, ...]


def scalar_problems(nodes: Iterator[tuple[yaml.ScalarNode, Path]], loader: Any) -> list[Problem]:
    """Return what is wrong with scalars at their paths; `loader` constructs their values.

    Raises:
        YAMLError: a scalar has an unknown tag.
    """
    return [
        Problem(path=".".join(path), message=message, line=int(node.start_mark.line) + 1)
        for node, path in nodes
        if (message := _message(node, loader)) is not None
    ]


def _message(node: yaml.ScalarNode, loader: Any) -> str | None:
    is_number = node.tag in _NUMBERS
    if is_number and ":" in node.value:
        return "YAML reads digits with colons as a number of base 60; put text in quotes"
    if is_number and len(node.value) > _MOST_DIGITS:
        return "the number has too many digits"
    try:
        value = loader.construct_object(node)
    except (ValueError, OverflowError):
        return "not a date or number that exists; put text in quotes"
    except (LookupError, AttributeError, TypeError):
        # PyYAML's error for a value that does not match its tag, such as `!!bool maybe`.
        return "does not match its tag; remove the tag"
    return _out_of_range(value)


def _out_of_range(value: object) -> str | None:
    if isinstance(value, float) and not isfinite(value):
        return "expected a finite number"
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return "the number exceeds 64 bits"
    return None
