"""Short forms of JSON Schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}


def described(schema: Schema, text: str) -> Schema:
    """Return a schema with a description."""
    return {**schema, "description": text}


def or_null(schema: Schema) -> Schema:
    """Return a schema that also accepts null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array_of(schema: Schema, **more: Any) -> Schema:
    """Return a schema of a list."""
    return {"type": "array", "items": schema, **more}


def one_of(*values: str) -> Schema:
    """Return a schema of these texts."""
    return {"type": "string", "enum": list(values)}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(
    properties: Schema, *, optional: tuple[str, ...] = (), closed: bool = False, **more: Any
) -> Schema:
    """Return a schema of an object; `closed` accepts no other fields."""
    required = [name for name in properties if name not in optional]
    found: Schema = {"type": "object", "properties": properties, **more}
    if required:
        found["required"] = required
    if closed:
        found["additionalProperties"] = False
    return found
