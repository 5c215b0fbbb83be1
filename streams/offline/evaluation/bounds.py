"""Thresholds with a bound that holds with a stated confidence."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.stats import beta

from streams.offline.evaluation.curves import Vector

CONFIDENCE = 0.95


def share_interval(hits: int, rows: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return bounds of a share 0..1 (Clopper and Pearson, Biometrika 1934); (0, 1) without rows."""
    if rows == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, rows - hits + 1))
    high = 1.0 if hits == rows else float(beta.ppf(1 - tail, hits + 1, rows - hits))
    return low, high


def upper_bound(hits: int, rows: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a share 0..1 at this confidence; 1 without rows."""
    if rows in {0, hits}:
        return 1.0
    return float(beta.ppf(confidence, hits + 1, rows - hits))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedThreshold:
    """Requests scoring below `threshold` stay on the first tier.

    `complex_share` of the complex ones do, at most `bound` with the requested confidence; `stays`
    is the share of all requests that stay there.
    """

    threshold: float
    complex_share: float
    bound: float
    stays: float


def threshold_by_bound(
    score: Vector, is_complex: Vector, *, at_most: float = 0.10, confidence: float = CONFIDENCE
) -> BoundedThreshold:
    """Return the highest threshold at which at most a share of the complex requests stays on the
    first tier, with confidence; `-inf`, so none stays, if the rows are too few.

    Scores increase with difficulty. The bound holds for a threshold chosen beforehand. The best of
    many on the same rows is slightly optimistic, so choose it on held-out rows.
    """
    hard = np.sort(score[is_complex.astype(bool)])
    best = BoundedThreshold(
        threshold=-inf, complex_share=0.0, bound=upper_bound(0, len(hard), confidence), stays=0.0
    )
    for candidate in np.unique(score):
        hits = int(np.searchsorted(hard, candidate, side="left"))
        bound = upper_bound(hits, len(hard), confidence)
        if bound > at_most:
            break
        best = BoundedThreshold(
            threshold=float(candidate),
            complex_share=hits / len(hard),
            bound=bound,
            stays=float((score < candidate).mean()),
        )
    return best
