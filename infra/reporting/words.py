"""Figures as people read them: shares in percent, money with digits that say something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from infra.figures import UNKNOWN, dollars

_HELD = "\N{NO-BREAK SPACE}"
"""Between a number and its unit: they stay on one line."""


def percent(share: float | None) -> str:
    """A share 0..1: whole percents, tenths below ten percent."""
    if share is None:
        return UNKNOWN
    shown = share * 100
    digits = 0 if abs(shown) >= 9.95 or shown == int(shown) else 1
    return f"{shown:.{digits}f}{_HELD}%"


def score(value: float | None) -> str:
    """A score or an area 0..1, to three digits."""
    return UNKNOWN if value is None else f"{value:.3f}"


def usd(value: float | None) -> str:
    """Money, from USD."""
    return UNKNOWN if value is None else dollars(Decimal(repr(value)))


def between(bounds: Sequence[float | None], show: Callable[[float | None], str] = score) -> str:
    """An interval's bounds in words."""
    low, high = bounds
    return f"95 %: {show(low)} to {show(high)}"
