"""Formatting of figures by unit: money with enough digits, shares in percent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

RIGHT = frozenset({"USD", "ms", "share", "count", "tokens", "tokens/s", "bytes", "number"})
"""Units whose figures are right-aligned in their column."""

UNKNOWN = "-"

_FORMATS = {
    "share": ".1%",
    "ms": ",.1f",
    "tokens/s": ",.1f",
    "count": ",",
    "tokens": ",",
    "bytes": ",",
    "number": ",.4g",
}


_IN_NAMES = frozenset({"ms", "tokens", "tokens/s", "bytes", "s"})
"""Units that a figure does not show, unlike `$` and `%`."""


def heading(name: str, unit: str) -> str:
    """Return a column's heading, with the unit if its figures do not show it."""
    has_unit = unit not in _IN_NAMES or unit.partition("/")[0] in name
    return name if has_unit else f"{name} ({unit})"


def shown(value: Any, unit: str) -> str:
    """Return a value as text; an unknown value is a dash, never a zero."""
    if value is None:
        return UNKNOWN
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "USD":
        return dollars(Decimal(str(value)))
    return format(value, _FORMATS.get(unit, ""))


def dollars(amount: Decimal) -> str:
    """Return dollars and cents; below a dollar, three significant digits, at most nine decimals."""
    size = abs(amount)
    places = 2
    if 0 < size < 1:
        places = min(max(2 - size.adjusted(), 4), 9)
    elif size < 100:
        places = 4
    sign = "-" if amount < 0 else ""
    return f"{sign}${size:,.{places}f}"
