"""How a figure is printed, by its unit: money with enough digits, shares in percent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

RIGHT = frozenset({"USD", "ms", "share", "count", "tokens", "tokens/s", "bytes", "number"})
"""Units whose figures stand at the right of their column."""

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


_TOLD = frozenset({"ms", "tokens", "tokens/s", "bytes", "s"})
"""Units that a figure does not show by itself, as `$` and `%` do."""


def heading(name: str, unit: str) -> str:
    """A column's name as people read it, with the unit of its figures where they do not show it."""
    told = unit not in _TOLD or unit.partition("/")[0] in name
    return name if told else f"{name} ({unit})"


def shown(value: Any, unit: str) -> str:
    """A value as text; what is unknown is a dash, never a zero."""
    if value is None:
        return UNKNOWN
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "USD":
        return dollars(Decimal(str(value)))
    return format(value, _FORMATS.get(unit, ""))


def dollars(amount: Decimal) -> str:
    """Dollars and cents; below a dollar, three digits that say something, at most nine places."""
    size = abs(amount)
    places = 2
    if 0 < size < 1:
        places = min(max(2 - size.adjusted(), 4), 9)
    elif size < 100:
        places = 4
    sign = "-" if amount < 0 else ""
    return f"{sign}${size:,.{places}f}"
