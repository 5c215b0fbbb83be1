"""What the figures of a range suggest to do next: one sentence each, the question behind it. Pure.

Each piece of advice follows from a row of an answer and names it, so that it can be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]
Answers = Mapping[str, Rows]
"""Rows by question."""

HIGH_ERRORS = 0.05
HIGH_LOW_SHARE = 0.15
LITTLE_SAVED = 0.1
LITTLE_IMPROVED = 0.5
LEAST = 20
"""Rows or requests below which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do, why, and the question that shows it."""

    what: str
    why: str
    question: str


def advice_on(answers: Answers) -> list[Advice]:
    """All that the answers suggest, the most pressing first."""
    return [
        *_unknown_costs(answers),
        *_dead_letters(answers),
        *_providers(answers),
        *_tiers(answers),
        *_escalations(answers),
        *_savings(answers),
        *_experiments(answers),
    ]


def _unknown_costs(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("cost_vs_baseline", ()):
        if row["unknown_calls"]:
            yield Advice(
                what="Find out what the calls of unknown cost were",
                why=f"{row['unknown_calls']:,} calls are in no sum, so all sums are lower bounds",
                question="unknown_cost",
            )


def _dead_letters(answers: Answers) -> Iterator[Advice]:
    letters = sum(row["letters"] for row in answers.get("dead_letters", ()))
    if letters:
        worst = max(answers["dead_letters"], key=lambda row: row["letters"])
        yield Advice(
            what="Mend who sends what can't be read or delivered",
            why=f"{letters:,} dead letters, most of them {worst['cause']}: {worst['reason']}",
            question="dead_letters",
        )


def _providers(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("provider_health", ()):
        share, calls = row["error_share"] or 0.0, row["ok"] + row["errors"]
        if share > HIGH_ERRORS and calls >= LEAST:
            limited = row["rate_limited"] > row["errors"] / 2
            what = "Raise or declare the limit of" if limited else "Look at"
            yield Advice(
                what=f"{what} {row['model']}/{row['instance']}",
                why=f"{share:.1%} of its {calls:,} calls failed",
                question="provider_health",
            )


def _tiers(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("misclassification", ()):
        rate = row["rate"] or 0.0
        if rate > HIGH_LOW_SHARE and row["judged"] >= LEAST:
            yield Advice(
                what=f"Send less to {row['tier']}: lower its boundary, or train on what was judged",
                why=f"{rate:.1%} of {row['judged']:,} judged requests were not good enough there",
                question="misclassification",
            )


def _escalations(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("escalation_value", ()):
        share = row["improved_share"]
        if share is not None and share < LITTLE_IMPROVED and row["compared"] >= LEAST:
            yield Advice(
                what=f"Ask {row['from_tier']} to move on to {row['to_tier']} less often",
                why=f"only {share:.0%} of {row['compared']:,} escalations were surer afterwards",
                question="escalation_value",
            )


def _savings(answers: Answers) -> Iterator[Advice]:
    for row in answers.get("cost_vs_baseline", ()):
        saved = row["saved_share"]
        if saved is not None and saved < LITTLE_SAVED and row["compared"] >= LEAST:
            yield Advice(
                what="See whether more can start on a cheaper tier: sluice eval --choose",
                why=f"{saved:.1%} is saved against the baseline",
                question="cost_vs_baseline",
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
