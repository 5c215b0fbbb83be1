"""Intervals by resampling rows (the percentile bootstrap, Efron 1979), seeded: of one figure, and
of quality over the share of strong calls.

Unlike the recovered share of the gap, quality is defined without a gap: a resample in which the
strong model is no better counts like every other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.offline.evaluation.curves import NoGapError, Ranking, Vector

RESAMPLES = 1_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def interval(
    statistic: Callable[[Vector], float], rows: int, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Return the interval of a statistic, a function of the count of each row.

    Resamples in which it is undefined (no gap between the models) are excluded.

    Raises:
        NoGapError: it is undefined on the rows themselves.
    """
    value = statistic(np.ones(rows))
    chance = np.random.default_rng(seed)
    found: list[float] = []
    for _ in range(resamples):
        counts = np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
        try:
            found.append(statistic(counts))
        except NoGapError:
            continue
    if not found:
        return Interval(value=value, low=float("nan"), high=float("nan"))
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(found, [tail, 100 - tail])
    return Interval(value=value, low=float(low), high=float(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityBand:
    """Mean score 0..1 at each share of strong calls 0..1, with its pointwise 95 % bounds."""

    shares: Vector
    quality: Vector
    low: Vector
    high: Vector


def quality_at(
    ranking: Ranking, weak: Vector, shares: Vector, weights: Vector | None = None
) -> Vector:
    """Return the mean score when these shares of the rows, most preferred first, use the strong
    model.

    `weak` holds the weak scores in the rows' own order, `weights` the count of each row. Ties are
    split in expectation, as in `Ranking.curve`.
    """
    counts = np.ones(len(weak)) if weights is None else weights
    ranked = counts[ranking.order]
    rows = counts.sum()
    covered = np.concatenate(([0.0], np.cumsum(ranked)[ranking.ends - 1])) / rows
    gained = np.concatenate(([0.0], np.cumsum(ranking.gains * ranked)[ranking.ends - 1])) / rows
    found: Vector = float(weak @ counts) / rows + np.interp(shares, covered, gained)
    return found


def quality_band(
    weak: Vector,
    strong: Vector,
    preference: Vector,
    shares: Vector,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> QualityBand:
    """Return the curve of a preference at these shares, and its band by seeded resampling of
    rows.
    """
    ranking, rows = Ranking.of(weak, strong, preference), len(weak)
    chance = np.random.default_rng(seed)
    found = np.empty((resamples, len(shares)))
    for each in range(resamples):
        counts = np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
        found[each] = quality_at(ranking, weak, shares, counts)
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(found, [tail, 100 - tail], axis=0)
    return QualityBand(shares=shares, quality=quality_at(ranking, weak, shares), low=low, high=high)
