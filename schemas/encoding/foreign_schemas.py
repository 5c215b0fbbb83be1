"""Validation of writer schemas from a schema registry, before anything is decoded with them.

The author of a schema controls how many values a few bytes expand to. A recursive schema reads as
many levels as the bytes state, and an array of zero-byte values reads as many as its count states.
Both can kill a process. Recursive, too deep or too large schemas, and arrays of zero-byte values,
are therefore rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import UndecodableError

MAX_SCHEMA_DEPTH = 32
"""Most levels of nested types."""

MAX_SCHEMA_TYPES = 5_000
"""Most types of a schema, each use counted."""

_NAMED = frozenset({"record", "error", "enum", "fixed"})
_NULL = "null"


def check_writer_schema(schema: Any, schema_id: int) -> None:
    """Reject a schema that lets a small record expand to a large one.

    Raises:
        UndecodableError: the schema is recursive, nested too deep, too large, or has an array or a
            map of zero-byte values.
    """
    _Check(schema_id).visit(schema, ())


class _Check:
    """State of one check: the names defined so far, and the number of types."""

    def __init__(self, schema_id: int) -> None:
        self._id = schema_id
        self._defined: dict[str, Any] = {}
        self._seen = 0

    def visit(self, node: Any, inside: tuple[str, ...], depth: int = 0) -> int:
        """Return the minimum bytes of a value of this type; `inside` are the enclosing records."""
        self._seen += 1
        if depth > MAX_SCHEMA_DEPTH:
            raise self._refused(f"is nested deeper than {MAX_SCHEMA_DEPTH} levels")
        if self._seen > MAX_SCHEMA_TYPES:
            raise self._refused(f"has more than {MAX_SCHEMA_TYPES} types")
        if isinstance(node, list):
            for each in node:
                self.visit(each, inside, depth + 1)
            return 1
        if isinstance(node, str):
            return self._of_name(node, inside, depth)
        if not isinstance(node, Mapping):
            raise self._refused("contains an invalid type")
        return self._of_object(node, inside, depth)

    def _of_name(self, name: str, inside: tuple[str, ...], depth: int) -> int:
        short = name.rpartition(".")[2]
        if short in inside:
            raise self._refused("is recursive")
        if short in self._defined:
            return self.visit(self._defined[short], inside, depth + 1)
        return 0 if name == _NULL else 1

    def _of_object(self, node: Mapping[str, Any], inside: tuple[str, ...], depth: int) -> int:
        kind = node.get("type")
        if not isinstance(kind, str):
            return self.visit(kind, inside, depth + 1)
        name = str(node.get("name", "")).rpartition(".")[2]
        if kind in _NAMED and name and self._defined.setdefault(name, node) is not node:
            # The referenced type depends on namespaces, which readers resolve differently in some
            # cases.
            raise self._refused("defines two types with the same name")
        if kind in {"record", "error"}:
            around = (*inside, name)
            return sum(self.visit(each, around, depth + 1) for each in _field_types(node))
        if kind == "fixed":
            size = node.get("size")
            if type(size) is not int or size < 0:
                raise self._refused("has a fixed type without a size")
            return size
        if kind in {"array", "map"}:
            size = self.visit(node.get("items", node.get("values")), inside, depth + 1)
            if kind == "array" and size == 0:
                raise self._refused("has an array of values without a size")
            return 1
        if kind == "enum":
            return 1
        return self.visit(kind, inside, depth + 1)

    def _refused(self, what: str) -> UndecodableError:
        return UndecodableError(f"schema id {self._id} {what}; register a simpler schema")


def _field_types(node: Mapping[str, Any]) -> Iterator[Any]:
    fields = node.get("fields")
    for field in fields if isinstance(fields, list) else ():
        yield field.get("type") if isinstance(field, Mapping) else None
