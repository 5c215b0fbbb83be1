"""Recommendations from the figures of a range: one sentence each, with its query. Pure.

Each recommendation follows from a row of a query result and names the query, so that it can be
checked. If it concerns the policy, `change` has the value and the direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from infra.figures import dollars

Rows = Sequence[Mapping[str, Any]]
Answers = Mapping[str, Rows]
"""Rows by query."""

HIGH_ERRORS = 0.05
HIGH_LOW_SHARE = 0.15
LITTLE_SAVED = 0.1
LITTLE_IMPROVED = 0.5
LEAST = 20
"""Minimum rows or requests for a recommendation."""

LABELS_FOR_TRAINING = 400
"""Requests with a score for the answers of both tiers at which training on recorded prompts passes
its gate in seven of eight runs (`docs/training.md`).
"""

UP, DOWN = 1, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedChange:
    """A registry value to change: `policy.boundaries.0` upwards (1) or downwards (-1)."""

    path: str
    direction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The recommendation, its reason, the query that shows it, and the policy changes."""

    what: str
    why: str
    question: str
    changes: tuple[SuggestedChange, ...] = ()


def advice_on(answers: Answers, tiers: Sequence[str] = ()) -> list[Advice]:
    """Return all recommendations: money first, then quality, providers and the rest.

    `tiers` are the registry's, cheapest first.
    """
    return [
        *_unknown_costs(answers),
        *_savings(answers, tiers),
        *_escalations(answers),
        *_tiers(answers, tiers),
        *_experiments(answers),
        *_training(answers, tiers),
        *_providers(answers),
        *_dead_letters(answers),
    ]


def _unknown_costs(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("cost_vs_baseline", ()):
        if row["unknown_calls"]:
            yield Advice(
                what="Investigate the calls of unknown cost",
                why=f"{row['unknown_calls']:,} calls are excluded, so all sums are lower bounds",
                question="unknown_cost",
            )


def _dead_letters(answers: Answers) -> Iterator[Advice]:
    letters = sum(row["letters"] for row in answers.get("dead_letters", ()))
    if letters:
        worst = max(answers["dead_letters"], key=lambda row: row["letters"])
        cause = f"{worst['cause'] or 'of unknown cause'}: {worst['reason']}".removesuffix(": ")
        yield Advice(
            what="Correct the senders of unreadable or undeliverable records",
            why=f"{letters:,} dead letters, most of them {cause}",
            question="dead_letters",
        )


def _training(answers: Answers, tiers: Sequence[str]) -> Iterator[Advice]:
    ends = {tiers[0], tiers[-1]} if tiers else set()
    judged = sum(
        row["judged"]
        for row in answers.get("shadow", ())
        if {row["sent_tier"], row["shadow_tier"]} == ends
    )
    if judged >= LABELS_FOR_TRAINING:
        yield Advice(
            what="Train a classifier on this traffic: sluice train",
            why=f"{judged:,} requests have scores for the answers of {tiers[0]} and {tiers[-1]}",
            question="shadow",
        )
    elif judged:
        yield Advice(
            what="Keep shadow calls on until there are enough labels to train a classifier",
            why=f"{judged:,} of about {LABELS_FOR_TRAINING} requests have scores for the answers "
            f"of {tiers[0]} and {tiers[-1]}",
            question="shadow",
        )


def _providers(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("provider_health", ()):
        share, calls = row["error_share"] or 0.0, row["ok"] + row["errors"]
        if share > HIGH_ERRORS and calls >= LEAST:
            limited = row["rate_limited"] > row["errors"] / 2
            what = "Raise or declare the limit of" if limited else "Check"
            yield Advice(
                what=f"{what} {row['model']}/{row['instance']}",
                why=f"{share:.1%} of its {calls:,} calls failed",
                question="provider_health",
            )


def _tiers(answers: Answers, tiers: Sequence[str]) -> Iterator[Advice]:
    for row in answers.get("misclassification", ()):
        rate = row["rate"] or 0.0
        if rate > HIGH_LOW_SHARE and row["judged"] >= LEAST:
            what, changes = _less_on(row["tier"], tiers)
            yield Advice(
                what=what,
                why=f"{rate:.1%} of {row['judged']:,} judged requests were not good enough there",
                question="misclassification",
                changes=changes,
            )


def _less_on(tier: str, tiers: Sequence[str]) -> tuple[str, tuple[SuggestedChange, ...]]:
    """Return how to start fewer requests on a tier: the next one begins at a lower score."""
    if tiers and tier == tiers[-1]:
        return f"Give {tier} a stronger model: no tier above it could take its requests", ()
    place = tiers.index(tier) if tier in tiers else None
    if place is None:
        return f"Send less to {tier}: lower the boundary at which the next tier begins", ()
    return (
        f"Send less to {tier}: lower the boundary at which {tiers[place + 1]} begins "
        f"(number {place + 1} of policy.boundaries), or train on the scored answers",
        (SuggestedChange(path=f"policy.boundaries.{place}", direction=DOWN),),
    )


def _escalations(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("escalation_value", ()):
        share = row["improved_share"]
        if share is not None and share < LITTLE_IMPROVED and row["compared"] >= LEAST:
            path = f"policy.cascade.thresholds.{row['from_tier']}"
            added = row.get("cost_added")
            spent = "" if added is None else f", and they cost {dollars(Decimal(str(added)))}"
            yield Advice(
                what=f"Escalate less from {row['from_tier']} to {row['to_tier']}: lower {path}",
                why=f"only {share:.0%} of {row['compared']:,} escalations had a higher confidence "
                f"afterwards{spent}",
                question="escalation_value",
                changes=(SuggestedChange(path=path, direction=DOWN),),
            )


def _savings(answers: Answers, tiers: Sequence[str]) -> Iterator[Advice]:
    for row in answers.get("cost_vs_baseline", ()):
        saved = row["saved_share"]
        if saved is not None and saved < LITTLE_SAVED and row["compared"] >= LEAST:
            yield Advice(
                what="Start more requests on cheaper tiers: raise policy.boundaries; "
                "sluice eval --choose gives the value",
                why=f"{saved:.1%} is saved against the baseline",
                question="cost_vs_baseline",
                changes=tuple(
                    SuggestedChange(path=f"policy.boundaries.{place}", direction=UP)
                    for place in range(max(len(tiers) - 1, 0))
                ),
            )


def _experiments(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("experiment", ()):
        if row["verdict"] in {"better", "worse"} and row["measure"] in {
            "feedback",
            "judge",
            "cost",
        }:
            yield Advice(
                what=f"Decide on arm {row['arm']} of {row['experiment']}",
                why=f"{row['measure']} is {row['verdict']} than that of {row['control']}",
                question="experiment",
            )
