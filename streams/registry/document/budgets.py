"""Sections of the registry file on budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from streams.registry.document.models import DocumentPart, Name, one_of
from streams.routing.budget_windows import DAY, WINDOWS
from streams.routing.budgets import ALERT, PER, THEN, Budget, Meter
from streams.routing.policy import Share

_NANO = Decimal(1_000_000_000)
_MOST_USD = Decimal(1_000_000_000)

UserId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
AlertLevel = Annotated[Share, Field(gt=0)]


class BudgetMatchPart(DocumentPart):
    """Filter of the calls that count; a missing field matches all."""

    tenant: tuple[Name, ...] = ()
    user: tuple[UserId, ...] = ()
    user_tier: tuple[Name, ...] = ()
    feature: tuple[Name, ...] = ()
    model: tuple[Name, ...] = ()


class BudgetPart(DocumentPart):
    """A limit (USD) for each tenant, user, feature or model in each window (UTC), the action on
    calls beyond it, and the shares of it that raise an alert.
    """

    per: Annotated[str, one_of(PER)]
    match: BudgetMatchPart = BudgetMatchPart()
    window: Annotated[str, one_of(WINDOWS)] = DAY
    usd: Annotated[Decimal, Field(gt=0, le=_MOST_USD, max_digits=18, decimal_places=9)]
    then: Annotated[str, one_of(THEN)] = ALERT
    alert_at: Annotated[tuple[AlertLevel, ...], Field(max_length=8)] = (0.5, 0.8, 1.0)

    @model_validator(mode="after")
    def _levels_rise(self) -> BudgetPart:
        if list(self.alert_at) != sorted(set(self.alert_at)):
            raise ValueError("alert_at: must be ascending")
        return self


def budget_of(name: str, part: BudgetPart) -> Budget:
    """Convert a validated budget."""
    match = {
        field: frozenset(values)
        for field, values in (
            ("tenant", part.match.tenant),
            ("user_id", part.match.user),
            ("user_tier", part.match.user_tier),
            ("feature", part.match.feature),
            ("model", part.match.model),
        )
        if values
    }
    return Budget(
        meter=Meter(name=name, per=part.per, window=part.window, match=match),
        limit_nano=int(part.usd * _NANO),
        then=part.then,
        alert_at=part.alert_at,
    )


def budget_problems(
    budgets: Mapping[str, BudgetPart], models: Mapping[str, object]
) -> Iterator[str]:
    """Yield the faults of budgets against the models of the same file."""
    for name, part in budgets.items():
        for model in part.match.model:
            if model not in models:
                yield f"budgets.{name}.match.model: {model} is not one of the models"
