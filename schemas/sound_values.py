"""What a decoded record of ours must hold beyond its schema, so that readers can compute with it.

Avro bounds an integer to 64 bits. A time of that size is no date, and a reader that computes a
budget's window or an alert's age from it fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
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
    return tuple(_times_in(whole_schema(name)))


def _times_in(record: Mapping[str, Any]) -> Iterator[Path]:
    for field in record["fields"]:
        for kind in _branches(field["type"]):
            if kind.get("logicalType") == "timestamp-millis":
                yield field["name"], None
            elif kind.get("type") == "record":
                yield from ((field["name"], inner) for inner, _ in _times_in(kind))


def _branches(kind: Any) -> list[Mapping[str, Any]]:
    return [each for each in (kind if isinstance(kind, list) else [kind]) if isinstance(each, dict)]


def check_times(name: str, record: Mapping[str, Any]) -> None:
    """Check the times of a decoded value, by its record name.

    Raises:
        UndecodableError: one lies before 1970 or after the year 9000.
    """
    for outer, inner in _times(name):
        value = record.get(outer)
        if inner is not None:
            value = None if value is None else value.get(inner)
        if value is not None and not 0 <= value <= MAX_TIME_MS:
            raise UndecodableError(f"{outer}{f'.{inner}' if inner else ''} is not a time")
