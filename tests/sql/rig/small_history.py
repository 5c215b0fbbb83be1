"""A small history with the cases that make counting hard, and its part within a range."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.sql.rig.lives import HOUR, TIERS, Call, Life, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
LIVES = draw_lives()
for _call in (call for life in LIVES for call in life.calls if call.tier == TIERS[-1]):
    _call.cached_tokens = None  # this model's provider has no cache


def _within(ms: int) -> bool:
    return SINCE <= ms < UNTIL


def ended() -> list[Life]:
    return [life for life in LIVES if _within(life.ended_at)]


def replied() -> list[Life]:
    return [life for life in ended() if life.status == "replied"]


def calls() -> list[tuple[Life, Call]]:
    """Calls of the range, each once: an interrupted one by its real row, where that is there."""
    found = [(life, call) for life in LIVES for call in life.calls]
    return [
        (life, call)
        for life, call in found
        if _within(call.at + (5 if call.late_nano is not None else 0))
    ]


def usd(nanos: Iterable[int | None]) -> Decimal | None:
    """Sum of the known values; `None` without any."""
    known = [nano for nano in nanos if nano is not None]
    return Decimal(sum(known)).scaleb(-9) if known else None


def cached_tokens(of: Iterable[Call]) -> int | None:
    known = [call.cached_tokens for call in of if call.cached_tokens is not None]
    return sum(known) if known else None


def unknown(values: Iterable[Any]) -> int:
    return sum(1 for value in values if value is None)


def share(part: float | Decimal | None, total: float | Decimal | None) -> float | None:
    return float(part) / float(total) if part is not None and total else None
