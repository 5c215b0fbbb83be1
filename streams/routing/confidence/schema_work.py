"""Upper bound of the work to validate a value against a JSON Schema, counted beforehand.

Schemas come from callers and values from models. A hundred bytes of schema can require 2^50
evaluations (a definition that refers twice to the next one), a recursive schema as many over a
nested value. So the schema's size is limited, and every evaluation of a subschema at a value is
counted beforehand. The count has the order of magnitude of a validator's and is never lower. Work
beyond the limit is not done at all (design, law 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

MAX_SCHEMA_NODES = 5_000
MAX_SCHEMA_CHARACTERS = 200_000
MAX_SCHEMA_DEPTH = 128
MAX_PATTERNS = 200
"""Compiling a pattern of the greatest allowed size takes 0.25 ms, measured."""

MAX_STEPS = 20_000
"""Evaluations of a subschema at a value; about 40 ms, enough for thousands of values of an answer.
"""

_CHARACTERS_A_STEP = 1_000
_PATTERN_CHARACTERS_A_STEP = 4
"""A regular expression of the greatest allowed size takes 3 µs a character, measured."""

_SAME_VALUE = ("not", "if", "then", "else")
_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE_MAPS = ("dependentSchemas", "dependencies")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
_UNEVALUATED_TIMES = 3
"""`unevaluated...` re-evaluates its sibling keywords: 2.6 times the work a level, measured."""

_ELSEWHERE = ("$dynamicRef", "$recursiveRef")
_COMPOUND = frozenset(
    ("$ref", *_SAME_VALUE, *_SAME_VALUE_LISTS, *_SAME_VALUE_MAPS, *_UNEVALUATED, *_ELSEWHERE)
)
_COMPARED = ("enum", "const", "required")


class TooMuchWorkError(ValueError):
    """The schema, or the value under it, exceeds the work limit."""


class UnreadableSchemaError(ValueError):
    """A reference of the schema can't be resolved within it, so its work can't be counted."""


def check_size(schema: Any) -> None:
    """Check that a schema is small and flat enough, and has one base address.

    Raises:
        TooMuchWorkError: it has too many nodes, characters, patterns or levels.
        UnreadableSchemaError: a part of it changes the base address of its references.
    """
    nodes = characters = patterns = 0
    level = [schema]
    for _ in range(MAX_SCHEMA_DEPTH):
        nodes += len(level)
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                characters += sum(map(len, node))
                below.extend(node.values())
                patterns += isinstance(node.get("pattern"), str)
                patterns += len(_map(node.get("patternProperties")))
                if node is not schema and isinstance(node.get("$id", node.get("id")), str):
                    raise UnreadableSchemaError("the schema sets a base address within itself")
            elif isinstance(node, list):
                below.extend(node)
            elif isinstance(node, str):
                characters += len(node)
        if nodes > MAX_SCHEMA_NODES or characters > MAX_SCHEMA_CHARACTERS:
            raise TooMuchWorkError("the schema is too large")
        if patterns > MAX_PATTERNS:
            raise TooMuchWorkError("the schema has too many patterns")
        if not below:
            return
        level = below
    raise TooMuchWorkError("the schema is nested too deeply")


def count_steps(schema: Any, value: Any, at_most: int = MAX_STEPS) -> int:
    """Return the upper bound of the steps to validate a value against a schema.

    Raises:
        TooMuchWorkError: more than `at_most`.
        UnreadableSchemaError: a reference leads outside the schema, or has no target.
    """
    open_pairs: list[tuple[Any, Any]] = [(schema, value)]
    steps = 0
    while open_pairs:
        part, at = open_pairs.pop()
        if not isinstance(part, dict):
            steps += 1
            continue
        steps += _own_steps(part, at)
        times = 1
        if not _COMPOUND.isdisjoint(part):
            times = _UNEVALUATED_TIMES if any(word in part for word in _UNEVALUATED) else 1
            for below in _at_the_same_value(schema, part):
                open_pairs.extend([(below, at)] * times)
        for pair in _at_members_or_items(part, at):
            open_pairs.extend([pair] * times)
            if steps + len(open_pairs) > at_most:
                break
        if steps + len(open_pairs) > at_most:
            raise TooMuchWorkError(f"the value takes more than {at_most} steps to check")
    return steps


def _own_steps(part: Mapping[str, Any], at: Any) -> int:
    steps = 1
    if isinstance(at, str):
        steps += len(at) // _CHARACTERS_A_STEP
        if "pattern" in part:
            steps += len(at) // _PATTERN_CHARACTERS_A_STEP
    elif isinstance(at, dict):
        patterns = part.get("patternProperties")
        if isinstance(patterns, dict):
            names = sum(1 + len(name) // _PATTERN_CHARACTERS_A_STEP for name in at)
            steps += len(patterns) * names
    elif isinstance(at, list) and part.get("uniqueItems"):
        steps += len(at)
    for word in _COMPARED:
        if word in part:
            steps += _nodes(part[word])
    return steps


def _nodes(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_nodes, value.values()))
    return 1 + sum(map(_nodes, value)) if isinstance(value, list) else 1


def _at_members_or_items(part: Mapping[str, Any], at: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(at, dict):
        return _at_members(part, at)
    return _at_items(part, at) if isinstance(at, list) else ()


def _at_the_same_value(root: Any, part: Mapping[str, Any]) -> Iterator[Any]:
    if "$ref" in part:
        yield _referred(root, part["$ref"])
    if any(word in part for word in _ELSEWHERE):
        raise UnreadableSchemaError("the schema has a dynamic reference")
    for word in _SAME_VALUE:
        if word in part:
            yield part[word]
    for word in _SAME_VALUE_LISTS:
        yield from _list(part.get(word))
    for word in _SAME_VALUE_MAPS:
        yield from _map(part.get(word)).values()


def _at_members(part: Mapping[str, Any], at: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    named = _map(part.get("properties"))
    for name, schema in named.items():
        if name in at:
            yield schema, at[name]
    for schema in _map(part.get("patternProperties")).values():
        for value in at.values():
            yield schema, value
    for word in ("additionalProperties", "unevaluatedProperties"):
        if isinstance(part.get(word), dict):
            for name, value in at.items():
                if name not in named:
                    yield part[word], value
    if "propertyNames" in part:
        for name in at:
            yield part["propertyNames"], name


def _at_items(part: Mapping[str, Any], at: list[Any]) -> Iterator[tuple[Any, Any]]:
    for word in ("items", "prefixItems"):
        yield from zip(_list(part.get(word)), at, strict=False)
    for word in ("items", "additionalItems", "unevaluatedItems", "contains"):
        if isinstance(part.get(word), dict):
            for value in at:
                yield part[word], value


def _referred(root: Any, reference: Any) -> Any:
    """Resolve a reference within the schema."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise UnreadableSchemaError("a reference of the schema leads outside of it")
    found = root
    for part in reference.split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (LookupError, TypeError, ValueError):
            raise UnreadableSchemaError("a reference of the schema has no target") from None
    return found


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
