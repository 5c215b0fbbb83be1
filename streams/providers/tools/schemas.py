"""JSON Schemas of tools in the form of each vendor; answers are checked against the caller's.

OpenAI and Anthropic require an object at the top, without `anyOf`, `oneOf`, `allOf`, `not`, `enum`
or a reference there, and Anthropic requires JSON Schema 2020-12. The rewritten schema accepts at
least what the caller's accepts: alternatives become optional properties. Older drafts are
converted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.providers.answer_fields import Json

_ALTERNATIVES = ("anyOf", "oneOf")
_NOT_AT_THE_TOP = frozenset(
    {*_ALTERNATIVES, "allOf", "not", "enum", "const", "if", "then", "else", "$ref"}
)
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_HOLD_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_MAX_LEVELS = 100
_MAX_REFERENCES = 16


def needs_rewriting(schema: Any) -> bool:
    """Return whether a vendor that requires a plain object at the top would refuse this schema."""
    return (
        not isinstance(schema, Mapping)
        or schema.get("type") != "object"
        or not isinstance(schema.get("properties"), Mapping)
        or not _NOT_AT_THE_TOP.isdisjoint(schema)
    )


def tool_schema(schema: Any) -> dict[str, Any]:
    """Return a tool's parameters as an object that OpenAI and Anthropic accept."""
    modern = _modern(schema if isinstance(schema, Mapping) else {}, _MAX_LEVELS)
    top = _Top(modern)
    top.take(modern, required=True, levels=_MAX_LEVELS)
    result = {name: value for name, value in modern.items() if name not in _NOT_AT_THE_TOP}
    result["type"] = "object"
    result["properties"] = top.properties
    result.pop("required", None)
    if top.required:
        result["required"] = list(top.required)
    if top.merged:
        # The alternative of a property is lost, so none may be closed.
        result.pop("additionalProperties", None)
    return result


class _Top:
    """Properties of a schema's top, its alternatives and parts merged."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._references = 0
        self.properties: dict[str, Any] = {}
        self.required: dict[str, None] = {}
        self.merged = False

    def take(self, part: Json, *, required: bool, levels: int) -> None:
        if levels <= 0:
            return
        own = part.get("properties")
        for name, value in (own if isinstance(own, Mapping) else {}).items():
            self.properties.setdefault(name, value)
        if required:
            self.required |= dict.fromkeys(_names(part.get("required")))
        for inner in _schemas(part.get("allOf")):
            self.merged = True
            self.take(inner, required=required, levels=levels - 1)
        for word in _ALTERNATIVES:
            inners = _schemas(part.get(word))
            for inner in inners:
                self.merged = True
                self.take(inner, required=False, levels=levels - 1)
            if required and inners:
                always = set.intersection(*(set(_names(each.get("required"))) for each in inners))
                self.required |= dict.fromkeys(sorted(always))
        for inner in _schemas([part.get("then"), part.get("else")]):
            self.merged = True
            self.take(inner, required=False, levels=levels - 1)
        referred = self._referred(part.get("$ref"))
        if referred is not None:
            self.merged = True
            self.take(referred, required=required, levels=levels - 1)

    def _referred(self, reference: Any) -> Json | None:
        self._references += 1
        if not isinstance(reference, str) or self._references > _MAX_REFERENCES:
            return None
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) and found is not self._root else None


def _schemas(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _names(value: Any) -> Iterable[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()


def _modern(schema: Any, levels: int) -> Any:
    """Return the same schema in 2020-12: numbers as exclusive bounds, `prefixItems` for a list of
    schemas, `required` as a list.
    """
    if levels <= 0:
        return schema
    if isinstance(schema, list):
        return [_modern(each, levels - 1) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _HOLD_SCHEMAS and isinstance(value, Mapping):
            result[name] = {key: _modern(each, levels - 1) for key, each in value.items()}
        elif name in {"enum", "const", "default", "examples"}:
            result[name] = value
        else:
            result[name] = _modern(value, levels - 1)
    _mend_bounds(result)
    if isinstance(result.get("items"), list):
        result["prefixItems"] = result.pop("items")
        if "additionalItems" in result:
            result["items"] = result.pop("additionalItems")
    _mend_required(result)
    if isinstance(result.get("$schema"), str) and "2020-12" not in result["$schema"]:
        del result["$schema"]
    return result


def _mend_bounds(schema: dict[str, Any]) -> None:
    for exclusive, inclusive in _BOUNDS.items():
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and inclusive in schema:
                schema[exclusive] = schema.pop(inclusive)


def _mend_required(schema: dict[str, Any]) -> None:
    """Convert draft 3's `required: true` of each property to the list of its parent."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    required = [
        name
        for name, each in properties.items()
        if isinstance(each, dict) and each.get("required") is True
    ]
    for each in properties.values():
        if isinstance(each, dict) and isinstance(each.get("required"), bool):
            del each["required"]
    if required:
        schema["required"] = list(dict.fromkeys([*_names(schema.get("required")), *required]))
