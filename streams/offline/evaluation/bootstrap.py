"""Intervals by resampling rows (the percentile bootstrap, Efron 1979), seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.offline.evaluation.curves import NoGapError, Vector

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
