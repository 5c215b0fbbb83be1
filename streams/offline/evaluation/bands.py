"""Quality over the share of strong calls, and the band in which resampled rows leave it.

Unlike the recovered share of the gap, quality needs no gap to be defined: a resample in which the
strong model is no better counts like every other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.offline.evaluation.bootstrap import LEVEL, RESAMPLES
from streams.offline.evaluation.curves import Ranking, Vector


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
    """Mean score when these shares of the rows, most preferred first, go to the strong model.

    `weak` holds the weak scores in the rows' own order, `weights` how often each row counts. Ties
    are split in expectation, as `Ranking.curve` does.
    """
    counts = np.ones(len(weak)) if weights is None else weights
    ranked = counts[ranking.order]
    rows = counts.sum()
    seen = np.concatenate(([0.0], np.cumsum(ranked)[ranking.ends - 1])) / rows
    gained = np.concatenate(([0.0], np.cumsum(ranking.gains * ranked)[ranking.ends - 1])) / rows
    found: Vector = float(weak @ counts) / rows + np.interp(shares, seen, gained)
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
    """The curve of a preference at these shares, and its band by resampling rows, seeded."""
    ranking, rows = Ranking.of(weak, strong, preference), len(weak)
    chance = np.random.default_rng(seed)
    found = np.empty((resamples, len(shares)))
    for each in range(resamples):
        counts = np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
        found[each] = quality_at(ranking, weak, shares, counts)
    tail = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(found, [tail, 100 - tail], axis=0)
    return QualityBand(shares=shares, quality=quality_at(ranking, weak, shares), low=low, high=high)
