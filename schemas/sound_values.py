"""What a decoded record of ours must hold beyond its schema, so that readers can compute with it.

Avro bounds an integer to 64 bits. A time of that size is no date, and a reader that computes a
budget's window or an alert's age from it fails. A double may be infinite or no number, and
ClickHouse refuses a whole insert for one of them in a column that it aggregates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import isfinite
from typing import Any

from schemas.avro_schemas import whole_schema
from schemas.errors import UndecodableError

MAX_TIME_MS = 221_845_392_000_000
"""The year 9000: the end of each budget window before it is still a date."""

_ROOM_MS = 10 * 24 * 3_600_000


def sound_time(at: int) -> int:
    """A record's time as ours hold it: a topic that keeps its senders' times can say anything.

    There is room behind it for a deadline.
    """
    return min(max(at, 0), MAX_TIME_MS - _ROOM_MS)


Path = tuple[str, str | None]
"""A field, or a record and a field of it."""


@cache
def _times(name: str) -> tuple[Path, ...]:
    return tuple(_paths(whole_schema(name), _is_time))


@cache
def _doubles(name: str) -> tuple[Path, ...]:
    return tuple(_paths(whole_schema(name), _is_double))


def _is_time(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("logicalType") == "timestamp-millis"


def _is_double(kind: Any) -> bool:
    if isinstance(kind, dict):
        return bool(kind.get("type") == "array" and kind.get("items") == "double")
    return bool(kind == "double")


def _paths(record: Mapping[str, Any], wanted: Callable[[Any], bool]) -> Iterator[Path]:
    for field in record["fields"]:
        for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
            if wanted(kind):
                yield field["name"], None
            elif isinstance(kind, dict) and kind.get("type") == "record":
                yield from ((field["name"], inner) for inner, _ in _paths(kind, wanted))


def _value(record: Mapping[str, Any], path: Path) -> Any:
    outer, inner = path
    value = record.get(outer)
    return value if inner is None or value is None else value.get(inner)


def _shown(path: Path) -> str:
    return ".".join(filter(None, path))


def check_sound(name: str, record: Mapping[str, Any]) -> None:
    """Check the times and doubles of a decoded value, by its record name.

    Raises:
        UndecodableError: a time lies before 1970 or after the year 9000, or a double is not finite.
    """
    for path in _times(name):
        at = _value(record, path)
        if at is not None and not 0 <= at <= MAX_TIME_MS:
            raise UndecodableError(f"{_shown(path)} is not a time")
    for path in _doubles(name):
        number = _value(record, path)
        numbers = number if isinstance(number, list) else (number,)
        if not all(each is None or isfinite(each) for each in numbers):
            raise UndecodableError(f"{_shown(path)} is not a finite number")
