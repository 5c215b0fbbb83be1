"""Formatting of figures: shares in percent, money with significant digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from infra.figures import UNKNOWN, dollars

_HELD = "\N{NO-BREAK SPACE}"
"""Separator of a number and its unit, which keeps them on one line."""


def percent(share: float | None) -> str:
    """Return a share 0..1: whole percents, tenths below ten percent."""
    if share is None:
        return UNKNOWN
    shown = share * 100
    digits = 0 if abs(shown) >= 9.95 or shown == int(shown) else 1
    return f"{shown:.{digits}f}{_HELD}%"


def score(value: float | None) -> str:
    """Return a score or an area 0..1, with three digits."""
    return UNKNOWN if value is None else f"{value:.3f}"


def usd(value: float | None) -> str:
    """Return money, from USD."""
    return UNKNOWN if value is None else dollars(Decimal(repr(value)))


def between(bounds: Sequence[float | None], show: Callable[[float | None], str] = score) -> str:
    """Return an interval's bounds in words."""
    low, high = bounds
    return f"95 %: {show(low)} to {show(high)}"
