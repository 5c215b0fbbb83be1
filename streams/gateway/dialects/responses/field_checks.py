"""Checks of a request's fields, with paths and messages in OpenAI's words. Pure.

`where` is the path of the object that holds a field, empty for the body.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from streams.gateway.errors import HttpError, invalid

_SHOWN_NAME = 64


def path_of(where: str, name: str | int) -> str:
    """Return the path of a field, or of an element by its number."""
    if isinstance(name, int):
        return f"{where}[{name}]"
    return f"{where}.{name}" if where else name


def shown(text: str) -> str:
    """Return a name of the caller's as an error may repeat it."""
    return "".join(char if char.isprintable() else "?" for char in text[:_SHOWN_NAME])


def wrong_type(path: str, wanted: str) -> HttpError:
    """Return the error of a value of another type."""
    return invalid(f"Invalid type for '{path}': expected {wanted}.", param=path)


def unsupported(path: str, message: str) -> HttpError:
    """Return the error of something that OpenAI has and the gateway has not."""
    return invalid(f"{path}: {message}", param=path)


def unknown(path: str) -> HttpError:
    """Return the error of a field that does not exist."""
    return invalid(f"Unknown parameter: '{path}'.", param=path)


def required(fields: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a field.

    Raises:
        HttpError: 400; it is missing or null.
    """
    value = fields.get(name)
    if value is None:
        path = path_of(where, name)
        raise invalid(f"Missing required parameter: '{path}'.", param=path)
    return value


def text(fields: Mapping[str, Any], name: str, where: str) -> str:
    """Return a text.

    Raises:
        HttpError: 400; it is missing or no text.
    """
    value = required(fields, name, where)
    if not isinstance(value, str):
        raise wrong_type(path_of(where, name), "a string")
    return value


def flag(fields: Mapping[str, Any], name: str, where: str, *, absent: bool = False) -> bool:
    """Return a boolean; `absent` if it is missing or null.

    Raises:
        HttpError: 400; it is no boolean.
    """
    value = fields.get(name)
    if value is None:
        return absent
    if not isinstance(value, bool):
        raise wrong_type(path_of(where, name), "a boolean")
    return value


def choice(fields: Mapping[str, Any], name: str, where: str, allowed: Collection[str]) -> str:
    """Return a text that is one of the allowed ones.

    Raises:
        HttpError: 400; it is missing or another one.
    """
    value = text(fields, name, where)
    if value not in allowed:
        path = path_of(where, name)
        raise invalid(
            f"Invalid value for '{path}'. Supported values are: {', '.join(allowed)}.", param=path
        )
    return value


def whole(fields: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a whole number of the body within limits.

    Raises:
        HttpError: 400; it is none, or outside.
    """
    value = required(fields, name, "")
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, "an integer")
    if not least <= value <= most:
        raise invalid(f"Invalid '{name}': expected {least} to {most}.", param=name)
    return value


def number(fields: Mapping[str, Any], name: str, most: float) -> float:
    """Return a number of the body from 0 to `most`.

    Raises:
        HttpError: 400; it is none, or outside.
    """
    value = required(fields, name, "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, "a number")
    if not 0 <= value <= most:
        raise invalid(f"Invalid '{name}': expected 0 to {most:g}.", param=name)
    return float(value)


def as_object(value: Any, path: str) -> Mapping[str, Any]:
    """Return a value that must be an object, without its null fields.

    Raises:
        HttpError: 400; it is none.
    """
    if not isinstance(value, Mapping):
        raise wrong_type(path, "an object")
    return {name: each for name, each in value.items() if each is not None}


def elements(value: Any, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the objects of a list, with their paths.

    Raises:
        HttpError: 400; it is none, or an element is no object.
    """
    if not isinstance(value, list):
        raise wrong_type(path, "an array")
    for place, each in enumerate(value):
        yield as_object(each, path_of(path, place)), path_of(path, place)


def refuse_others(fields: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Check that an object has no other fields than the known ones.

    Raises:
        HttpError: 400, by name.
    """
    for name in fields:
        if name not in known:
            raise unknown(path_of(where, shown(name)))
