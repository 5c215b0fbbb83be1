"""A writer schema of a schema registry can't make a small record a large one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding.avro_schemas import VALUES, whole_schema
from schemas.encoding.foreign_schemas import MAX_SCHEMA_DEPTH, MAX_SCHEMA_TYPES, check_writer_schema
from schemas.errors import UndecodableError


def _record(name: str, *kinds: Any) -> dict[str, Any]:
    fields = [{"name": f"f{n}", "type": kind} for n, kind in enumerate(kinds)]
    return {"type": "record", "name": name, "fields": fields}


def _deep(levels: int) -> Any:
    kind: Any = "string"
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


REFUSED: dict[str, Any] = {
    "a record in itself": _record("Node", ["null", "Node"]),
    "a record in itself by its full name": _record("a.Node", {"type": "array", "items": "a.Node"}),
    "two records in each other": _record("A", ["null", _record("B", ["null", "A"])]),
    "an array of nulls": _record("R", {"type": "array", "items": "null"}),
    "an array of empty records": _record("R", {"type": "array", "items": _record("E")}),
    "an array of records of nulls": _record(
        "R", {"type": "array", "items": _record("E", "null", _record("F", "null"))}
    ),
    "an array of nothing": _record(
        "R", {"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}}
    ),
    "an array of a named record without a size": _record(
        "R", _record("E"), {"type": "array", "items": "E"}
    ),
    "too many levels": _record("R", _deep(MAX_SCHEMA_DEPTH + 1)),
    "too many types": _record("R", *["string"] * (MAX_SCHEMA_TYPES + 1)),
    "a name that doubles itself": _record(
        "R",
        _record("L0", "int"),
        *(_record(f"L{n}", f"L{n - 1}", f"L{n - 1}") for n in range(1, 20)),
    ),
    "an array of a negative size": _record(
        "R", {"type": "array", "items": {"type": "fixed", "name": "Z", "size": -1}}
    ),
    "a negative size beside others": _record(
        "R",
        {"type": "array", "items": _record("E", "int", {"type": "fixed", "name": "Z", "size": -9})},
    ),
    "a size that is no number": _record("R", {"type": "fixed", "name": "Z", "size": "9"}),
    "one name in two namespaces": _record(
        "R", _record("a.E", "int"), _record("b.E"), {"type": "array", "items": "b.E"}
    ),
    "one name in two namespaces, one inherited": {
        **_record("R", _record("E", "int"), _record("m.E"), {"type": "array", "items": "m.E"}),
        "namespace": "n",
    },
    "no type": 5,
    "a field that is none": {"type": "record", "name": "R", "fields": ["x", None]},
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_schema_that_reads_more_than_there_is_is_refused(what: str) -> None:
    with pytest.raises(UndecodableError, match="schema id 7 "):
        check_writer_schema(REFUSED[what], 7)


@pytest.mark.parametrize("name", VALUES)
def test_our_own_schemas_pass(name: str) -> None:
    check_writer_schema(whole_schema(name), 1)


_JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["null", "record", "array", "string", "R"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "items", "name", "fields", "size"]), inner)
    ),
)


@given(_JSON)
def test_any_json_is_refused_or_passes(schema: Any) -> None:
    try:
        check_writer_schema(schema, 1)
    except UndecodableError:
        return
