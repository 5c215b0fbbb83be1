"""Checks of a request's fields, with paths and messages in Anthropic's words. Pure.

`where` is the path of the object that holds a field, empty for the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.gateway.errors import HttpError, invalid

_SHOWN_NAME = 64


def path_of(where: str, name: str | int) -> str:
    """Return the path of a field."""
    return f"{where}.{name}" if where else str(name)


def fault(path: str, message: str) -> HttpError:
    """Return the error of a field."""
    return invalid(f"{path}: {message}", param=path.partition(".")[0])


def required_field(fields: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a field.

    Raises:
        HttpError: 400; it is missing or null.
    """
    value = fields.get(name)
    if value is None:
        raise fault(path_of(where, name), "Field required")
    return value


def text_field(fields: Mapping[str, Any], name: str, where: str) -> str:
    """Return a text.

    Raises:
        HttpError: 400; it is missing or no text.
    """
    value = required_field(fields, name, where)
    if not isinstance(value, str):
        raise fault(path_of(where, name), "Input should be a valid string")
    return value


def object_field(fields: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """Return an object.

    Raises:
        HttpError: 400; it is missing or no object.
    """
    return as_object(required_field(fields, name, where), path_of(where, name))


def list_field(fields: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """Return a list.

    Raises:
        HttpError: 400; it is missing or no list.
    """
    value = required_field(fields, name, where)
    if not isinstance(value, list):
        raise fault(path_of(where, name), "Input should be a valid list")
    return value


def flag_field(fields: Mapping[str, Any], name: str, where: str) -> bool:
    """Return a boolean; false if it is missing or null.

    Raises:
        HttpError: 400; it is no boolean.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise fault(path_of(where, name), "Input should be a valid boolean")
    return bool(value)


def as_object(value: Any, path: str) -> Mapping[str, Any]:
    """Return a value that must be an object.

    Raises:
        HttpError: 400; it is none.
    """
    if not isinstance(value, Mapping):
        raise fault(path, "Input should be a valid dictionary")
    return value


def refuse_others(fields: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """Check that an object has no other fields than the known ones.

    Raises:
        HttpError: 400, by name.
    """
    for name in fields:
        if name not in known:
            raise unknown_field(name, where)


def unknown_field(name: str, where: str = "") -> HttpError:
    """Return the error of a field that does not exist."""
    shown = "".join(char if char.isprintable() else "?" for char in name[:_SHOWN_NAME])
    return fault(path_of(where, shown), "Extra inputs are not permitted")
