"""One event of a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event `at_ms` after the request was written.

    `hop` and `rank` order events in the same ms. `took_ms` and `cost` (USD) belong to calls;
    `costs` states that a cost of `None` is unknown rather than absent.
    """

    at_ms: float
    hop: int
    rank: int
    kind: str
    title: str
    details: tuple[str, ...] = ()
    took_ms: float | None = None
    cost: Decimal | None = None
    costs: bool = False
