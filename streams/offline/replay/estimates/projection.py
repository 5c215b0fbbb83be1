"""Estimates as reported figures, each with its interval and its basis.

Figures are about the replayed requests, not future ones: observed values have no error. Intervals
hold with 95 %; those of `model only` figures assume that the answers behind them are a random
sample, which no design guarantees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import t as student

from streams.offline.evaluation.bands import LEVEL, Interval
from streams.offline.replay.cases import Step
from streams.offline.replay.estimates.estimation import (
    LEAST_MISSES,
    Basis,
    Estimate,
    Estimated,
    estimate,
)
from streams.offline.replay.estimates.table import CaseTable, Flags

BASIS_NAMES = {
    Basis.SEEN: "seen",
    Basis.CORRECTED: "corrected",
    Basis.MODEL_ONLY: "model only",
    Basis.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedFigure:
    """A mean a request with its interval; `shares` of the requests (0..1) by basis.

    `value` is `None` if nothing is known; `unknown` requests are excluded.
    """

    mean: Interval | None
    shares: dict[str, float]
    requests: int

    def as_document(self) -> dict[str, Any]:
        """Return the form in a run's summary."""
        known = self.mean
        return {
            "mean": None if known is None else known.value,
            "low": None if known is None else known.low,
            "high": None if known is None else known.high,
            "requests": self.requests,
            "rests_on": self.shares,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Cost (nano-USD a request) and quality (0..1) of a policy over the replayed requests; share of
    requests (0..1) that continue after their first step.
    """

    cost: ProjectedFigure
    quality: ProjectedFigure
    goes_on: float

    def as_document(self) -> dict[str, Any]:
        """Return the form in a run's summary."""
        return {
            "cost_nano": self.cost.as_document(),
            "quality": self.quality.as_document(),
            "goes_on": self.goes_on,
        }


def project(table: CaseTable, ways: Sequence[tuple[Step, ...]]) -> tuple[Projection, Estimated]:
    """Return the estimated cost and quality of a policy with these steps."""
    found = estimate(table, ways)
    projection = Projection(
        cost=figure(found.cost, table, "cost"),
        quality=figure(found.quality, table, "score", at_most=1.0),
        goes_on=found.goes_on,
    )
    return projection, found


def figure(
    worth: Estimate,
    table: CaseTable,
    what: str,
    *,
    at_most: float | None = None,
    at_least: float = 0.0,
) -> ProjectedFigure:
    """Return the mean of a kind of figure over the requests for which it is known."""
    known = worth.basis != Basis.UNKNOWN
    rows = int(known.sum())
    shares = {
        name: float((worth.basis == basis).mean()) if len(worth.basis) else 0.0
        for basis, name in BASIS_NAMES.items()
    }
    if not rows:
        return ProjectedFigure(mean=None, shares=shares, requests=0)
    mean = float(worth.value[known].mean())
    squared = float(worth.variance[known].sum()) + unvouched(worth, table, what, known)
    reach = half_width(squared, worth.draws) / rows
    low, high = max(mean - reach, at_least), mean + reach
    if at_most is not None:
        low, high, mean = min(low, at_most), min(high, at_most), min(mean, at_most)
    return ProjectedFigure(
        mean=Interval(value=max(mean, at_least), low=low, high=high), shares=shares, requests=rows
    )


def half_width(squared: float, draws: int) -> float:
    """Return half the interval's width of a sum with this variance, given the number of drawn
    answers.
    """
    freedom = draws + LEAST_MISSES
    return float(student.ppf((1 + LEVEL) / 2, freedom)) * sqrt(max(squared, 0.0))


def unvouched(worth: Estimate, table: CaseTable, what: str, among: Flags) -> float:
    """Return the variance of the sum of the figures that rest on expectations alone: the error of
    each, and the error of the expectation itself, common to all of a model's.
    """
    whole = 0.0
    alone = among & (worth.basis == Basis.MODEL_ONLY)
    for number, columns in enumerate(table.models.values()):
        mine = alone & (worth.model == number)
        count = float(mine.sum())
        if not count:
            continue
        column = getattr(columns, what)
        spread = float(np.nanmean(column.spread[mine]))
        size = max(float(column.size[0]), 1.0)
        whole += count * spread + count**2 * spread / size
    return whole
