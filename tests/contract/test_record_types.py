"""Each record type has the fields of its Avro schema, with the types that the schema gives them.

So a new column is one field in one schema, one record type, one table.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from schemas import alert_evaluation, budget_entries, events, records
from schemas.encoding.avro_schemas import VALUES, whole_schema

NAMES = {"Error": "Failure", "Result": "HopResult"}
"""Record types with another name than their schema's."""

WITHOUT_TYPE = {
    "Request": "callers write it; `schemas.request` checks it by pydantic",
    "Feedback": "callers write it; the feedback agent checks it",
    "ReplayDecision": "written as bytes by `streams.offline.replay.row_bytes`, which has a test",
}
PRIMITIVES = {
    "string": str,
    "bytes": bytes,
    "int": int,
    "long": int,
    "double": float,
    "boolean": bool,
}


def _records(schema: Any) -> Iterator[Mapping[str, Any]]:
    match schema:
        case list():
            for branch in schema:
                yield from _records(branch)
        case {"type": "record"}:
            yield schema
            for field in schema["fields"]:
                yield from _records(field["type"])
        case dict():
            for part in ("type", "items", "values"):
                yield from _records(schema.get(part))


SCHEMAS = {
    record["name"].rpartition(".")[2]: record
    for value in VALUES
    if value not in WITHOUT_TYPE
    for record in _records(whole_schema(value))
}
TYPES = {
    name: found
    for module in (records, events, budget_entries, alert_evaluation)
    for name, found in vars(module).items()
    if dataclasses.is_dataclass(found)
}


def _type_of(name: str) -> Any:
    return TYPES[NAMES.get(name, name)]


def _python(schema: Any) -> set[Any]:
    """The Python types of an Avro type; values of arrays and maps follow their container."""
    match schema:
        case list():
            found = set().union(*map(_python, schema))
        case "null":
            found = {None}
        case str():
            found = {PRIMITIVES.get(schema) or _type_of(schema.rpartition(".")[2])}
        case {"type": "record", "name": name}:
            found = {_type_of(name.rpartition(".")[2])}
        case {"type": "array", "items": items}:
            found = {(tuple, *_python(items))}
        case {"type": "map", "values": values}:
            found = {(Mapping, *_python(values))}
        case _:
            found = _python(schema["type"])
    return found


def _declared(hint: Any) -> set[Any]:
    origin = get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return set().union(*map(_declared, get_args(hint)))
    if origin is tuple:
        return {(tuple, *_declared(get_args(hint)[0]))}
    if origin is not None and issubclass(origin, Mapping):
        return {(Mapping, *_declared(get_args(hint)[1]))}
    return {None if hint is type(None) else hint}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_record_type_has_the_fields_and_types_of_its_schema(name: str) -> None:
    hints = get_type_hints(_type_of(name))
    declared = {
        field.name: _declared(hints[field.name]) for field in dataclasses.fields(_type_of(name))
    }

    assert declared == {field["name"]: _python(field["type"]) for field in SCHEMAS[name]["fields"]}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_field_that_may_be_left_out_of_a_record_type_has_the_default_of_its_schema(
    name: str,
) -> None:
    schema = {field["name"]: field for field in SCHEMAS[name]["fields"]}
    for field in dataclasses.fields(_type_of(name)):
        if field.default is dataclasses.MISSING or "default" not in schema[field.name]:
            continue
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        assert default == schema[field.name]["default"], field.name
