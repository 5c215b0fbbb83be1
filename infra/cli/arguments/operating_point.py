"""`sluice eval --choose`: the boundary, or the cascade's threshold, for a given goal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from infra.reporting.judged import JudgedClassifier

AIMS = ("bound", "quality", "cost")
_DIGITS = 6


class Aim(click.ParamType):
    """`bound=0.10`, `quality=0.9` or `cost=0.002`."""

    name = "aim"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Parse the goal and its value."""
        aim, _, number = str(value).partition("=")
        try:
            found = float(number)
        except ValueError:
            found = -1.0
        if aim not in AIMS or found < 0 or (aim != "cost" and found > 1):
            self.fail(
                "expected bound=SHARE, quality=SCORE (both 0 to 1) or cost=USD per request",
                param,
                ctx,
            )
        return aim, found


def choice_of(judged: JudgedClassifier, aim: str, value: float) -> dict[str, Any]:
    """Return the registry setting, and its result on these rows.

    Raises:
        UsageError: the classifier gives no probability, so a registry cannot hold a boundary for
            it.
    """
    from streams.offline.evaluation.choosing import Scored, by_bound, by_cost, by_quality

    wanted, stated = judged.wanted, judged.preference.stated
    if stated is None:
        raise click.UsageError(f"--choose: {judged.name} gives no score for a boundary")
    costs = judged.measured.costs
    rows = Scored(
        score=(1 - stated).round(_DIGITS),
        weak=judged.labels.column(wanted.weak),
        strong=judged.labels.column(wanted.strong),
        weak_cost=costs["weak"],
        strong_cost=costs["strong"],
        weak_always_paid=wanted.cascade is not None,
    )
    if aim == "bound":
        found = by_bound(rows, wanted.bar, value)
    else:
        found = by_quality(rows, value) if aim == "quality" else by_cost(rows, value)
    return {
        "aim": aim,
        "value": value,
        "registry": None if found.boundary is None else _registry(judged, found.boundary),
        "stays_on_weak": round(1 - found.strong_share, _DIGITS),
        "quality": round(found.quality, _DIGITS),
        "quality_at_least": round(found.quality_at_least, _DIGITS),
        "cost": found.cost,
    }


def _registry(judged: JudgedClassifier, boundary: float) -> dict[str, float]:
    if judged.wanted.cascade is None:
        return {"policy.boundaries": round(min(boundary, 1.0), _DIGITS)}
    # An answer is accepted from its threshold on, so the threshold must be above this score.
    threshold = round(min(1 - boundary + 10**-_DIGITS, 1.0), _DIGITS)
    return {"policy.cascade.thresholds": max(threshold, 0.0)}


def in_words(choice: dict[str, Any]) -> str:
    """Return the choice as a line of text."""
    if choice["registry"] is None:
        return f"{choice['aim']}={choice['value']:g} cannot be achieved on these rows"
    ((name, value),) = choice["registry"].items()
    return (
        f"{name}: {value:g} for {choice['aim']}={choice['value']:g}; {choice['stays_on_weak']:.1%} "
        f"stay on the weak model, mean score {choice['quality']:.3f} "
        f"(at least {choice['quality_at_least']:.3f} with 95 % confidence)"
    )
