"""Cost of a request's calls, each counted once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sinks.analytics.one_request import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """USD of the calls of known cost (`None` without any), by purpose, and the number of unknown
    ones.
    """

    known: Decimal | None
    by_purpose: Mapping[str, Decimal]
    unknown: int


def calls_cost(calls: Iterable[Row]) -> Money:
    """Return the cost of these rows; a call recorded as interrupted counts by its real row."""
    costs: dict[str, tuple[str, Decimal | None]] = {}
    for row in calls:
        _, known = costs.get(row["call_id"], ("", None))
        costs[row["call_id"]] = (row["purpose"], row["cost"] if known is None else known)
    by_purpose: dict[str, Decimal] = {}
    for purpose, cost in costs.values():
        if cost is not None:
            by_purpose[purpose] = by_purpose.get(purpose, Decimal(0)) + cost
    return Money(
        known=sum(by_purpose.values(), Decimal(0)) if by_purpose else None,
        by_purpose=by_purpose,
        unknown=sum(cost is None for _, cost in costs.values()),
    )
