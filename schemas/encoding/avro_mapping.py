"""Conversion between values and Avro records, by declared fields.

A value's fields have the names of its schema's fields. Nested values and tuples of values are
resolved once per class from the annotations.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


@cache
def _shape(
    cls: Hashable,
) -> tuple[tuple[str, ...], Callable[[Any], Any], dict[str, tuple[type, bool]]]:
    """Return field names, a getter of all fields, and the nested fields: name to (class, is a
    tuple).
    """
    declared: Any = cls
    names = tuple(field.name for field in fields(declared))
    hints = get_type_hints(declared)
    nested: dict[str, tuple[type, bool]] = {}
    for name in names:
        found = _nested_class(hints[name])
        if found is not None:
            nested[name] = found
    return names, attrgetter(*names), nested


def _nested_class(hint: Any) -> tuple[type, bool] | None:
    origin = get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        found = [_nested_class(part) for part in get_args(hint)]
        return next((item for item in found if item), None)
    if origin is tuple:
        inner = _nested_class(get_args(hint)[0])
        return (inner[0], True) if inner else None
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return hint, False
    return None


def as_record(value: Any) -> dict[str, Any]:
    """Convert a value to an Avro record."""
    names, getter, nested = _shape(value.__class__)
    record = dict(zip(names, getter(value), strict=True))
    for name, (_, many) in nested.items():
        inner = record[name]
        if many:
            record[name] = [as_record(item) for item in inner]
        elif inner is not None:
            record[name] = as_record(inner)
    return record


def from_record(cls: type[Value], record: Mapping[str, Any]) -> Value:
    """Convert an Avro record to a value; lists become tuples."""
    declared: Any = cls
    names, _, nested = _shape(declared)
    arguments: dict[str, Any] = {}
    for name in names:
        item = record[name]
        if name in nested:
            inner, many = nested[name]
            if many:
                item = tuple(from_record(inner, part) for part in item)
            elif item is not None:
                item = from_record(inner, item)
        elif type(item) is list:
            item = tuple(item)
        arguments[name] = item
    return cls(**arguments)
