"""A cost event as a charge: subject, time and amount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.budget_entries import NO_EXPECTATION
from schemas.errors import UndecodableError
from streams.routing.budgets import BudgetSubject

REPLAY = "replay"
"""Purpose of an operator's replay calls: they have their own limit and charge no sender."""

Estimate = Callable[[Mapping[str, Any]], int | None]
"""Returns the expected nano-USD of a cost event without cost and expectation; `None` without a
price.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One record of the cost topic. `at` is the end of the call, broker time, ms; `expected_nano`
    replaces an unknown cost, `NO_EXPECTATION` if there is none.
    """

    partition: int
    offset: int
    appended_at: int
    call_id: str
    at: int
    payer: BudgetSubject
    cost_nano: int | None
    expected_nano: int = NO_EXPECTATION


def charge_of(
    event: Mapping[str, Any],
    *,
    partition: int,
    offset: int,
    appended_at: int,
    estimate: Estimate = lambda event: None,
) -> Charge | None:
    """Return the charge of a decoded cost event; `None` if its purpose concerns no budget.

    No call ends after its event was appended: a worker whose clock is ahead cannot charge a window
    that has not begun.

    Raises:
        UndecodableError: the cost is negative.
    """
    if event["purpose"] == REPLAY:
        return None
    cost = event["cost_nano"]
    if cost is not None and cost < 0:
        raise UndecodableError("cost_nano is negative")
    expected: int | None = None
    if cost is None:
        expected = event.get("expected_nano")
        if expected is None:
            expected = estimate(event)
    return Charge(
        partition=partition,
        offset=offset,
        appended_at=appended_at,
        call_id=event["call_id"],
        at=min(event["at"], appended_at),
        payer=BudgetSubject(
            tenant=event["tenant"],
            user_id=event["user_id"],
            user_tier=event["user_tier"],
            feature=event["feature"],
            model=event["request_model"],
        ),
        cost_nano=cost,
        expected_nano=NO_EXPECTATION if expected is None else max(expected, NO_EXPECTATION),
    )
