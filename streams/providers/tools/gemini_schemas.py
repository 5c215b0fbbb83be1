"""JSON Schemas for Google's endpoints: a subset of OpenAPI 3.0's schema object.

Source: https://ai.google.dev/api/caching#Schema. A keyword outside the subset is refused ("Cannot
find field"), so others are dropped or rewritten. The rewritten schema accepts at least what the
caller's accepts; a model's answer is checked against the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from streams.providers.answer_fields import Json

_AS_THEY_ARE = frozenset(
    {
        "title",
        "description",
        "default",
        "nullable",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "pattern",
    }
)
_FORMATS = frozenset({"enum", "date-time", "int32", "int64", "float", "double"})
_INCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_NULL = "null"
_MAX_LEVELS = 100
_MAX_SCHEMAS = 10_000


def gemini_schema(schema: Any) -> dict[str, Any]:
    """Return a schema in Google's subset, references resolved. It is bounded, since a schema may
    refer to itself: below 100 levels and beyond 10,000 inner schemas it accepts anything.
    """
    root = schema if isinstance(schema, Mapping) else {}
    return _Rewriter(root).rewritten(root, _MAX_LEVELS)


class _Rewriter:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._seen = 0

    def rewritten(self, schema: Any, levels: int) -> dict[str, Any]:
        if not isinstance(schema, Mapping) or levels <= 0:
            return {}
        whole = self._resolved(schema, levels)
        result = {name: value for name, value in whole.items() if name in _AS_THEY_ARE}
        for exclusive, inclusive in _INCLUSIVE.items():
            bound = whole.get(exclusive)
            if isinstance(bound, int | float) and not isinstance(bound, bool):
                result.setdefault(inclusive, bound)
        form = whole.get("format")
        if isinstance(form, str) and form in _FORMATS:
            result["format"] = form
        _take_values(whole, result)
        self._take_parts(whole, result, levels - 1)
        return self._with_alternatives(whole, result, levels - 1)

    def _resolved(self, schema: Json, levels: int) -> Json:
        """Return a schema merged with its reference, and with all of its parts."""
        self._seen += 1
        if self._seen > _MAX_SCHEMAS:
            return {}
        whole = dict(schema)
        reference = whole.pop("$ref", None)
        parts = [self._referred(reference)] if reference is not None else []
        parts.extend(_schemas(whole.pop("allOf", None)))
        for part in parts:
            if levels > 0:
                _lay_into(whole, self._resolved(part, levels - 1))
        return whole

    def _referred(self, reference: object) -> Json:
        if not isinstance(reference, str):
            return {}
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _take_parts(self, whole: Json, result: dict[str, Any], levels: int) -> None:
        properties = whole.get("properties")
        if isinstance(properties, Mapping):
            result["properties"] = {
                name: self.rewritten(each, levels) for name, each in properties.items()
            }
            result.setdefault("type", "object")
            named = [name for name in _names(whole.get("required")) if name in properties]
            if named:
                result["required"] = named
        if result.get("type") == "array":
            result["items"] = self.rewritten(whole.get("items"), levels)

    def _with_alternatives(
        self, whole: Json, result: dict[str, Any], levels: int
    ) -> dict[str, Any]:
        """Rewrite for Google, which accepts `anyOf` beside a description only."""
        given = [*_schemas(whole.get("anyOf")), *_schemas(whole.get("oneOf"))]
        types = whole.get("type")
        if not given and _is_list(types):
            kinds = [each for each in types if each != _NULL]
            if len(kinds) > 1:
                given = [{**whole, "type": each} for each in kinds]
        alternatives = [each for each in given if each.get("type") != _NULL]
        is_nullable = len(alternatives) < len(given) or (_is_list(types) and _NULL in types)
        if is_nullable:
            result["nullable"] = True
        if not alternatives or "properties" in result:
            # The alternative of a property can't be expressed beside the properties.
            return result
        found = [self.rewritten(each, levels) for each in alternatives]
        if len(found) == 1:
            return {**result, **found[0]}
        if is_nullable:
            found = [{**each, "nullable": True} for each in found]
        kept: dict[str, Any] = {
            name: result[name] for name in ("title", "description") if name in result
        }
        return {**kept, "anyOf": found}


def _take_values(whole: Json, result: dict[str, Any]) -> None:
    """Set type and allowed values: Google lists only texts."""
    types = whole.get("type")
    if _is_list(types):
        kinds = [each for each in types if each != _NULL]
        types = kinds[0] if len(kinds) == 1 else None
    values = [whole["const"]] if "const" in whole else whole.get("enum")
    if _is_list(values) and values and None in values:
        result["nullable"] = True
        values = [each for each in values if each is not None]
    if _is_list(values) and values and all(isinstance(each, str) for each in values):
        result["enum"] = [each for each in values if each]
        types = types or "string"
    if isinstance(types, str) and types != _NULL:
        result["type"] = types
    if result.get("enum") == []:
        del result["enum"]


def _lay_into(whole: dict[str, Any], part: Json) -> None:
    for name, value in part.items():
        own = whole.get(name)
        if name == "properties" and isinstance(own, Mapping) and isinstance(value, Mapping):
            whole[name] = {**value, **own}
        elif name == "required":
            whole[name] = list(dict.fromkeys([*_names(own), *_names(value)]))
        else:
            whole.setdefault(name, value)


def _schemas(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
