"""The work of a schema is bounded before it is done: by size, by depth, by evaluations."""

from __future__ import annotations

from typing import Any

import pytest

from streams.routing.confidence.schema_work import (
    MAX_SCHEMA_DEPTH,
    MAX_SCHEMA_NODES,
    MAX_STEPS,
    TooMuchWorkError,
    UnreadableSchemaError,
    check_size,
    count_steps,
)


def _nested(schema: Any, depth: int, word: str = "not") -> Any:
    for _ in range(depth):
        schema = {word: schema}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """A definition that refers twice to the next one, and so on: 2^levels evaluations."""
    twice = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$defs": {**twice, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


BRANCHING = {
    "anyOf": [
        {"properties": {"a": {"$ref": "#"}}, "required": ["missing"]},
        {"properties": {"a": {"$ref": "#"}}},
    ]
}


@pytest.mark.parametrize(
    "schema",
    [
        _nested({}, MAX_SCHEMA_DEPTH),
        _nested({}, 10_000),
        {"allOf": [{"type": "string"}] * MAX_SCHEMA_NODES},
        {"enum": list(range(MAX_SCHEMA_NODES))},
        {"properties": {str(number): {"pattern": "a"} for number in range(201)}},
        {"patternProperties": {str(number): {} for number in range(201)}},
        {"description": "x" * 200_001},
        {"properties": {"x" * 200_001: {}}},
    ],
    ids=["deep", "very deep", "wide", "many values", "patterns", "names", "long text", "long name"],
)
def test_a_schema_beyond_its_size_is_not_read(schema: Any) -> None:
    with pytest.raises(TooMuchWorkError):
        check_size(schema)


def test_a_schema_as_large_as_people_write_is_read() -> None:
    check_size({"properties": {f"field {number}": {"type": "string"} for number in range(1_000)}})
    check_size(_nested({}, MAX_SCHEMA_DEPTH - 2))


@pytest.mark.parametrize("name", ["$id", "id"])
def test_a_part_that_renames_what_references_mean_is_not_read(name: str) -> None:
    check_size({name: "https://example.org/whole"})
    check_size({"properties": {name: {"type": "string"}}})
    with pytest.raises(UnreadableSchemaError):
        check_size({"properties": {"a": {name: "https://example.org/part"}}})


@pytest.mark.parametrize(
    ("schema", "value", "steps"),
    [
        ({"type": "string"}, "x", 1),
        ({"allOf": [{}, {}]}, 1, 3),
        ({"not": {"anyOf": [{}, {}]}}, 1, 4),
        ({"properties": {"a": {}, "b": {}}}, {"a": 1, "c": 2}, 2),
        ({"items": {}}, [1, 2, 3], 4),
        ({"items": [{}, {}]}, [1], 2),
        ({"additionalProperties": {}, "properties": {"a": {}}}, {"a": 1, "b": 2, "c": 3}, 4),
        ({"$defs": {"n": {}}, "items": {"$ref": "#/$defs/n"}}, [1, 2], 5),
        ({"definitions": {"a/b~": {}}, "$ref": "#/definitions/a~1b~0"}, 1, 2),
        ({"allOf": [{}, {"$ref": "#/allOf/0"}]}, 1, 4),
        ({"unevaluatedProperties": False, "allOf": [{}]}, 1, 4),
        ({"enum": [1, 2, 3]}, 1, 5),
        ({"pattern": "a"}, "x" * 400, 101),
        (True, 1, 1),
    ],
)
def test_every_evaluation_counts(schema: Any, value: Any, steps: int) -> None:
    assert count_steps(schema, value) == steps


def test_a_tree_takes_a_reference_and_a_schema_for_each_of_its_nodes() -> None:
    tree: Any = {"next": None}
    for _ in range(500):
        tree = {"next": tree}
    schema = {"properties": {"next": {"$ref": "#"}}}

    assert count_steps(schema, tree) == 1 + 2 * 501


def _unevaluated(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        (doubling(50), {}),
        (BRANCHING, _nested(1, 40, "a")),
        (_unevaluated(20), {"a": 1}),
        ({"items": {"allOf": [{}] * 100}}, [1] * 500),
        ({"items": {"pattern": "[01]*1[01]{300}2"}}, ["01" * 5_000] * 20),
        ({"patternProperties": {f"{number}.*x": {} for number in range(500)}}, {"0" * 999: 1}),
        ({"items": {"enum": list(range(1_000))}}, [1] * 50),
        ({"uniqueItems": True}, [1] * 20_001),
    ],
    ids=[
        *("no progress", "doubling", "branching", "unevaluated", "wide", "patterns", "names"),
        *("values", "unique"),
    ],
)
def test_a_validation_with_too_many_steps_is_stopped(schema: Any, value: Any) -> None:
    with pytest.raises(TooMuchWorkError):
        count_steps(schema, value)


def test_the_limit_is_met_exactly() -> None:
    assert count_steps({"items": {}}, [1] * (MAX_STEPS - 1)) == MAX_STEPS
    with pytest.raises(TooMuchWorkError):
        count_steps({"items": {}}, [1] * MAX_STEPS)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/nowhere"},
        {"$ref": "#/allOf/7", "allOf": []},
        {"$ref": "#/type/x", "type": "string"},
        {"$ref": "#anchor"},
        {"$ref": "other.json"},
        {"$ref": "https://example.org/schema"},
        {"$ref": 5},
        {"$dynamicRef": "#/$defs/a"},
        {"$recursiveRef": "#"},
    ],
    ids=str,
)
def test_a_schema_with_unresolvable_references_is_unreadable(schema: Any) -> None:
    with pytest.raises(UnreadableSchemaError):
        count_steps(schema, 1)
