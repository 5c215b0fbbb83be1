"""`sluice eval --choose`: the boundary, or the cascade's threshold, that achieves what is asked."""

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
        """The aim and its value."""
        aim, _, number = str(value).partition("=")
        try:
            found = float(number)
        except ValueError:
            found = -1.0
        if aim not in AIMS or found < 0 or (aim != "cost" and found > 1):
            self.fail(
                "say bound=SHARE, quality=SCORE (both 0 to 1) or cost=USD a request", param, ctx
            )
        return aim, found


def choice_of(judged: JudgedClassifier, aim: str, value: float) -> dict[str, Any]:
    """What to write into the registry, and what it achieves on these rows.

    Raises:
        UsageError: the classifier states no chance, so a registry can't hold a boundary of its.
    """
    from streams.offline.evaluation.choosing import Scored, by_bound, by_cost, by_quality

    wanted, stated = judged.wanted, judged.preference.stated
    if stated is None:
        raise click.UsageError(f"--choose: {judged.name} gives no score that a boundary could cut")
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
    # An answer stands from its threshold on, and this one's score must not reach it.
    threshold = round(min(1 - boundary + 10**-_DIGITS, 1.0), _DIGITS)
    return {"policy.cascade.thresholds": max(threshold, 0.0)}


def in_words(choice: dict[str, Any]) -> str:
    """The choice as a line for people."""
    if choice["registry"] is None:
        return f"{choice['aim']}={choice['value']:g} can't be achieved on these rows"
    ((name, value),) = choice["registry"].items()
    return (
        f"{name}: {value:g} for {choice['aim']}={choice['value']:g}; {choice['stays_on_weak']:.1%} "
        f"stay on the weak model, mean score {choice['quality']:.3f} "
        f"(at least {choice['quality_at_least']:.3f} with 95 % confidence)"
    )
