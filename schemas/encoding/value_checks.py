"""Checks on a decoded record beyond its schema, so that readers can compute with it.

Avro limits an integer to 64 bits. A time of that size is not a date, and computing a budget window
or an alert's age from it fails. A double may be infinite or NaN, and ClickHouse rejects a whole
insert if an aggregated column contains one. Such a record is rejected.

A finite number outside the documented range of its field, such as a confidence of 7.5, is clamped
to the range: the rest of the record is worth keeping. The sink's SQL uses the same bounds
(`sinks.rows.columns`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import isfinite
from typing import Any

from schemas.encoding.avro_schemas import whole_schema
from schemas.errors import UndecodableError

MAX_TIME_MS = 221_845_392_000_000
"""The year 9000: the end of each budget window before it is still a date."""

INT64_DIGITS = 19
"""Digits of a 64-bit integer; a longer text is not read as a number."""

_ROOM_MS = 10 * 24 * 3_600_000


Bounds = tuple[int, int] | tuple[float, float]
"""The minimum and maximum of a field."""

_SHARE: Bounds = (0.0, 1.0)
_DURATION_MS: Bounds = (0.0, 1e12)
_COUNT: Bounds = (0, 2**31 - 1)
_MANY: Bounds = (0, 10**12)
_NANO: Bounds = (0, 10**18 - 1)
"""The range of `Decimal(18, 9)`."""

EVENTS = frozenset({"CostEvent", "QualityEvent", "OutcomeEvent", "Alert", "ReplayDecision"})
"""Records that are stored."""

_BOUNDS: Mapping[str, Bounds] = {
    **dict.fromkeys(
        ("propensity", "score", "from_score", "confidence", "difficulty", "chance_values"), _SHARE
    ),
    # -1 marks the last chunk.
    "marks": (-1.0, 1.0),
    **dict.fromkeys(("latency_ms", "provider_ms", "calls_ms"), _DURATION_MS),
    **dict.fromkeys(("visit", "calls", "fallbacks", "tokens"), _COUNT),
    # The call of a classifier has no hop: -1.
    "hop": (-1, _COUNT[1]),
    "http_status": (0, 999),
    **dict.fromkeys(
        (
            *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
            *("cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens"),
            *("audio_output_tokens", "web_searches"),
        ),
        _MANY,
    ),
    **dict.fromkeys(("cost_nano", "baseline_cost_nano", "expected_nano"), _NANO),
}
"""By field name of an event; fields with the same name have the same meaning."""


def bounds_of(name: str, field: str) -> Bounds | None:
    """Return the bounds of a field of this record; `None` if every number is valid."""
    return _BOUNDS.get(field) if name in EVENTS else None


def sound_time(at: int) -> int:
    """Clamp a record timestamp to the valid range: a topic with CreateTime can have any value.

    The result leaves room for a deadline.
    """
    return min(max(at, 0), MAX_TIME_MS - _ROOM_MS)


Path = tuple[str, str | None]
"""A field, or a record and a field of it."""


@cache
def _bounded(name: str) -> tuple[tuple[Path, Bounds], ...]:
    paths = _paths(whole_schema(name), lambda kind: _is_double(kind) or kind in ("int", "long"))
    found = ((path, bounds_of(name, path[1] or path[0])) for path in paths)
    return tuple((path, bounds) for path, bounds in found if bounds is not None)


@cache
def times_of(name: str) -> tuple[Path, ...]:
    """Return the time fields of a record of this name, milliseconds since 1970."""
    return tuple(_paths(whole_schema(name), _is_time))


@cache
def doubles_of(name: str) -> tuple[Path, ...]:
    """Return the fields of a record of this name that are doubles or lists of doubles."""
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
        UndecodableError: a time is before 1970 or after the year 9000, or a double is not finite.
    """
    for path in times_of(name):
        at = _value(record, path)
        if at is not None and not 0 <= at <= MAX_TIME_MS:
            raise UndecodableError(f"{_shown(path)} is not a valid time")
    for path in doubles_of(name):
        number = _value(record, path)
        numbers = number if isinstance(number, list) else (number,)
        if not all(each is None or isfinite(each) for each in numbers):
            raise UndecodableError(f"{_shown(path)} is not a finite number")


def clamp(name: str, record: dict[str, Any]) -> None:
    """Clamp the numbers of a checked event to their bounds, in place."""
    if name not in EVENTS:
        return
    for (outer, inner), (least, greatest) in _bounded(name):
        holder = record if inner is None else record.get(outer)
        if holder is None:
            continue
        last = inner or outer
        value = holder.get(last)
        if isinstance(value, list):
            if not all(least <= each <= greatest for each in value):
                holder[last] = [min(max(each, least), greatest) for each in value]
        elif value is not None and not least <= value <= greatest:
            holder[last] = min(max(value, least), greatest)
