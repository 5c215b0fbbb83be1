"""Checks of a body against the request types of a provider's SDK.

The types name every field, value and content block that a provider takes. They hold no bounds of
numbers and no rules about several fields: `request_checks.py` of each provider has those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, SchemaValidator

Path = tuple[str | int, ...]

_EXPECTS = "Input should be "
_TAGS = frozenset({"type", "role"})
"""Fields that say which member of a union an object is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFault:
    """A field that does not fit. `kind` and `message` are pydantic's; neither quotes the value."""

    path: Path
    kind: str
    message: str


class RequestType:
    """A TypedDict of request parameters; an unknown field at any depth is a fault."""

    def __init__(self, parameters: Any) -> None:
        self._validator = SchemaValidator(_exact(TypeAdapter(parameters).core_schema))

    def fault(self, body: Mapping[str, Any]) -> TypeFault | None:
        """Return the deepest fault of a body; `None` if the body fits."""
        try:
            self._validator.validate_python(body, strict=True)
        except ValidationError as error:
            return _deepest(body, error.errors(include_url=False, include_input=False))
        return None


def _exact(schema: Any) -> Any:
    """Return a core schema that refuses unknown fields, and reads an `Iterable` at once: pydantic
    checks the items of one only when they are taken.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(_exact(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    exact = {name: _exact(part) for name, part in schema.items()}
    if exact.get("type") == "generator":
        exact["type"] = "list"
    elif exact.get("type") == "typed-dict":
        exact["extra_behavior"] = "forbid"
    return exact


def _deepest(body: Any, errors: list[ErrorDetails]) -> TypeFault:
    """Return one fault of those in all members of a union. A member whose tag differs from the
    object's says nothing about its other fields.
    """
    others = {error["loc"][:-1] for error in errors if _is_tag(error)}

    def rank(error: ErrorDetails) -> tuple[int, int, bool]:
        place = error["loc"]
        outside = len(place) - 1 if _is_tag(error) else len(place)
        strangers = sum(place[:depth] in others for depth in range(outside))
        return -strangers, len(_path(body, place)), not _is_tag(error)

    fault = max(errors, key=rank)
    path = _path(body, fault["loc"])
    same = [
        error
        for error in errors
        if rank(error)[0] == rank(fault)[0] and _path(body, error["loc"]) == path
    ]
    return TypeFault(path=path, kind=fault["type"], message=_message(fault, same))


def _message(fault: ErrorDetails, same: Sequence[ErrorDetails]) -> str:
    """Return what the members of a union expect at the place of a fault, together."""
    if not fault["msg"].startswith(_EXPECTS):
        return fault["msg"]
    wanted: dict[str, None] = {}
    for error in same:
        expected = error.get("ctx", {}).get("expected")
        if error["type"] == "literal_error" and isinstance(expected, str):
            wanted |= dict.fromkeys(expected.replace(" or ", ", ").split(", "))
        elif error["msg"].startswith(_EXPECTS):
            wanted[error["msg"].removeprefix(_EXPECTS)] = None
    *most, last = wanted
    return _EXPECTS + (f"{', '.join(most)} or {last}" if most else last)


def _is_tag(error: ErrorDetails) -> bool:
    return error["type"] == "literal_error" and error["loc"][-1] in _TAGS


def _path(body: Any, place: Path) -> Path:
    """Return a place without pydantic's names for members of unions."""
    path: list[str | int] = []
    here: Any = body
    for number, part in enumerate(place):
        within = isinstance(part, int) if isinstance(here, list) else isinstance(here, dict)
        absent = isinstance(here, dict) and part not in here
        if not within or (absent and number < len(place) - 1):
            continue
        here = None if absent else here[part]
        path.append(part)
    return tuple(path)
