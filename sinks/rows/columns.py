"""Columns of Avro fields: the ClickHouse type of an event, and the expression of a column.

The field's type determines the column: `timestamp-millis` is a `DateTime64(3, 'UTC')`. A name that
ends in `_nano` is integer nano-USD and becomes `Decimal(18, 9)` USD, exactly (a product of
decimals, no float). An absent string is `''`; other absent values are NULL if unknown has a
meaning, else the default. A number outside the bounds of its field is clamped. An invalid time, or
a double that is not finite, rejects the insert (`schemas.encoding.value_checks` defines the rule,
also for decoded events).
"""

from __future__ import annotations

from typing import Any

from schemas.encoding.avro_schemas import Schema
from schemas.encoding.value_checks import (
    EVENTS,
    MAX_TIME_MS,
    Bounds,
    Path,
    bounds_of,
    doubles_of,
    times_of,
)

_TYPES = {
    "string": "String",
    "bytes": "String",
    "int": "Int32",
    "long": "Int64",
    "double": "Float64",
    "boolean": "Bool",
}
_TIME = "DateTime64(3, 'UTC')"
_NANO = "_nano"
_KEEP_NULL = "?"


def clickhouse_type(avro: Any) -> str:
    """Return the ClickHouse type of an Avro type."""
    if isinstance(avro, str):
        return _TYPES[avro]
    if isinstance(avro, list):
        (inner,) = (clickhouse_type(branch) for branch in avro if branch != "null")
        return inner if inner.startswith("Array") else f"Nullable({inner})"
    if avro.get("logicalType") == "timestamp-millis":
        return _TIME
    if avro["type"] == "record":
        inside = (f"`{part['name']}` {clickhouse_type(part['type'])}" for part in avro["fields"])
        return f"Tuple({', '.join(inside)})"
    if avro["type"] == "array":
        return f"Array({clickhouse_type(avro['items'])})"
    return f"Map(String, {clickhouse_type(avro['values'])})"


def structure_of(event: Schema) -> str:
    """Return the structure of the event's fields for `input()`, each named `event.<field>`."""
    return ", ".join(
        f"`event.{field['name']}` {clickhouse_type(field['type'])}" for field in event["fields"]
    )


def column_expression(event: Schema, source: str) -> str:
    """Return the expression of a column from its source.

    `source` is a field, or `record.field`; a trailing `?` keeps NULL for unknown.

    Raises:
        KeyError: the schema has no such field.
    """
    path = source.removesuffix(_KEEP_NULL)
    outer, _, inner = path.partition(".")
    kind = _field_type(event, outer)
    expression = f"`event.{outer}`"
    nullable = isinstance(kind, list)
    if inner:
        kind = _field_type(_record_of(kind), inner)
        expression = f"tupleElement({expression}, '{inner}')"
        nullable = nullable or isinstance(kind, list)
    expression = _within_bounds(expression, kind, bounds_of(_record_name(event), inner or outer))
    if path.endswith(_NANO):
        expression = f"toDecimal64({expression}, 0) * toDecimal64('0.000000001', 9)"
    if not nullable or source.endswith(_KEEP_NULL):
        return expression
    plain = clickhouse_type(next(branch for branch in _branches(kind) if branch != "null"))
    return f"ifNull({expression}, defaultValueOfTypeName('{_quoted(plain)}'))"


def soundness(event: Schema) -> str:
    """Return the condition that an event's times are valid and its doubles are finite."""
    name = _record_name(event)
    if name not in EVENTS:
        return "1"
    times = (
        f"toUnixTimestamp64Milli({_source(path)}) BETWEEN 0 AND {MAX_TIME_MS}"
        for path in times_of(name)
    )
    doubles = (_is_finite(event, path) for path in doubles_of(name))
    return " AND ".join(f"ifNull({each}, 1)" for each in (*times, *doubles)) or "1"


def _record_name(event: Schema) -> str:
    """Return the name of a record without its namespace."""
    return str(event["name"]).rpartition(".")[2]


def _source(path: Path) -> str:
    outer, inner = path
    return f"`event.{outer}`" if inner is None else f"tupleElement(`event.{outer}`, '{inner}')"


def _is_finite(event: Schema, path: Path) -> str:
    kind = _field_type(event, path[0])
    if path[1] is not None:
        kind = _field_type(_record_of(kind), path[1])
    if _is_array(kind):
        return f"arrayAll(each -> isFinite(each), {_source(path)})"
    return f"isFinite({_source(path)})"


def _is_array(kind: Any) -> bool:
    return any(isinstance(each, dict) and each["type"] == "array" for each in _branches(kind))


def _within_bounds(expression: str, kind: Any, bounds: Bounds | None) -> str:
    """Return the expression clamped to the bounds. NULL stays NULL."""
    if bounds is None:
        return expression
    if _is_array(kind):
        return f"arrayMap(each -> {_bounded('each', 'Float64', bounds)}, {expression})"
    plain = clickhouse_type(next(branch for branch in _branches(kind) if branch != "null"))
    return _bounded(expression, plain, bounds)


def _bounded(value: str, kind: str, bounds: Bounds) -> str:
    least, greatest = (f"CAST('{each}' AS {kind})" for each in bounds)
    return f"multiIf({value} < {least}, {least}, {value} > {greatest}, {greatest}, {value})"


def _field_type(record: Schema, name: str) -> Any:
    for field in record["fields"]:
        if field["name"] == name:
            return field["type"]
    raise KeyError(f"{record['name']} has no field {name}")


def _branches(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _record_of(kind: Any) -> Schema:
    return next(branch for branch in _branches(kind) if isinstance(branch, dict))


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")
