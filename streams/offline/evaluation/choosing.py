"""Choice of the boundary between two tiers by a target: a bound, a quality, or a cost.

Requests that score at or above a boundary use the strong tier. Figures are those of the given rows;
use rows that no model was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from streams.offline.evaluation.bounds import threshold_by_bound
from streams.offline.evaluation.curves import Vector
from streams.offline.evaluation.operating import mix_cost

ONE_SIDED_95 = 1.6449
"""Standard errors below a mean that hold with 95 % confidence, one-sided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Rows with a score (0..1, increasing with difficulty or doubt), the quality of both tiers'
    answers (0..1), and the cost of a call of each, USD (`None`: unknown).
    """

    score: Vector
    weak: Vector
    strong: Vector
    weak_cost: float | None = None
    strong_cost: float | None = None
    weak_always_paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A boundary, or `None` if none meets the target; the share of strong calls, the mean quality
    and its lower bound with 95 % confidence (0..1), and USD a request.
    """

    boundary: float | None
    strong_share: float
    quality: float
    quality_at_least: float
    cost: float | None


def by_bound(rows: Scored, bar: float, at_most: float) -> Chosen:
    """Keep as many rows as possible on the weak tier, and with 95 % confidence at most the share
    `at_most` of those that it answers below the bar and the strong one does not.
    """
    needs = (rows.weak < bar) & (rows.strong >= bar)
    found = threshold_by_bound(rows.score, needs.astype(float), at_most=at_most)
    return _at(rows, found.threshold if np.isfinite(found.threshold) else None)


def by_quality(rows: Scored, target: float) -> Chosen:
    """Minimize strong calls such that the mean quality reaches the target with 95 % confidence."""
    for boundary in _boundaries(rows)[::-1]:
        found = _at(rows, float(boundary))
        if found.quality_at_least >= target:
            return found
    return _at(rows, None)


def by_cost(rows: Scored, target: float) -> Chosen:
    """Maximize strong calls such that the mean cost stays within the target, USD a request."""
    for boundary in _boundaries(rows):
        found = _at(rows, float(boundary))
        if found.cost is not None and found.cost <= target:
            return found
    return _at(rows, None)


def _boundaries(rows: Scored) -> Vector:
    """Return every boundary that divides the rows differently, from all strong to none."""
    return np.append(np.unique(rows.score), np.nextafter(rows.score.max(), inf))


def _at(rows: Scored, boundary: float | None) -> Chosen:
    goes = rows.score >= (-inf if boundary is None else boundary)
    got = np.where(goes, rows.strong, rows.weak)
    share = float(goes.mean())
    quality = float(got.mean())
    error = float(got.std(ddof=1)) / sqrt(len(got)) if len(got) > 1 else inf
    return Chosen(
        boundary=boundary,
        strong_share=share,
        quality=quality,
        quality_at_least=max(quality - ONE_SIDED_95 * error, 0.0),
        cost=mix_cost(
            share, rows.weak_cost, rows.strong_cost, weak_always_paid=rows.weak_always_paid
        ),
    )
