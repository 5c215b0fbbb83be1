"""Calibration of stated probabilities: reliability, its error, and discrimination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.offline.evaluation.curves import Vector

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Rows with a stated probability in [low, high): count, mean stated, share of good ones."""

    low: float
    high: float
    rows: int
    stated: float
    observed: float


def reliability(stated: Vector, good: Vector, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the nonempty bins of equal width; `stated` and `good` are 0..1."""
    places = np.minimum((stated * bins).astype(int), bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        found.append(
            ReliabilityBin(
                low=place / bins,
                high=(place + 1) / bins,
                rows=int(inside.sum()),
                stated=float(stated[inside].mean()),
                observed=float(good[inside].mean()),
            )
        )
    return tuple(found)


def expected_calibration_error(stated: Vector, good: Vector, bins: int = BINS) -> float:
    """Return the ECE 0..1: the mean distance of stated and observed, by rows (Naeini et al., AAAI
    2015).
    """
    return float(
        sum(
            each.rows * abs(each.stated - each.observed) for each in reliability(stated, good, bins)
        )
        / len(stated)
    )


def auroc(score: Vector, positive: Vector) -> float | None:
    """Return the probability that a positive row scores above a negative one, ties count half;
    `None` with one class only.
    """
    is_positive = positive.astype(bool)
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    if positives == 0 or negatives == 0:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mean_ranks[inverse][is_positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
