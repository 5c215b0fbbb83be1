"""Gate of training: whether the learned classifier is significantly better than untrained ones.

Each row is predicted by a model that was not fitted on it (cross-fitting), and both sides use the
same resampled rows (a paired bootstrap), so sampling error affects both alike. A gain passes if its
lower bound, one-sided with 95 % confidence, is above zero: on random labels at most one run in
twenty passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.calibration import auroc
from streams.offline.evaluation.curves import NoGapError, Ranking

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]
"""A figure of rows, of which row i counts `counts[i]` times."""

RESAMPLES = 1_000
_TAIL = 5.0
"""Percent of the resamples below the lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Gain over a baseline in the compared figure, and its lower bound (95 %)."""

    over: str
    gain: float
    at_least: float

    @property
    def is_sure(self) -> bool:
        """Return whether it is above zero with confidence."""
        return self.at_least > 0

    def as_document(self) -> dict[str, float | str]:
        """Return the form that `sluice train --json` prints."""
        return {
            "over": self.over,
            "gain": round(self.gain, 6),
            "at_least": round(self.at_least, 6),
        }


def apgr_of(weak: Floats, strong: Floats, wish: Floats) -> Statistic:
    """Return APGR of a preference for the strong model."""
    ranking = Ranking.of(weak, strong, wish)
    return lambda counts: ranking.curve(counts).area


def auroc_of(bad: Floats, doubt: Floats) -> Statistic:
    """Return how well doubt separates bad answers (1) from good ones (0); NaN with one class
    only.
    """

    def figure(counts: Floats) -> float:
        places = np.repeat(np.arange(len(bad)), counts.astype(np.intp))
        found = auroc(doubt[places], bad[places])
        return float("nan") if found is None else found

    return figure


def gains_over(
    learned: Statistic, rivals: Mapping[str, Statistic], rows: int, *, seed: int = 0
) -> tuple[Gain, ...]:
    """Return the gain over each baseline, on the same resamples. Resamples without a figure are
    excluded; if all are, no gain is sure.

    Raises:
        NoGapError: the strong model is no better than the weak one on the rows themselves.
    """
    everything = np.ones(rows)
    value = learned(everything)
    chance = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(RESAMPLES):
        counts = np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
        try:
            ours = learned(counts)
            for name, rival in rivals.items():
                drawn[name].append(ours - rival(counts))
        except NoGapError:
            continue
    return tuple(
        Gain(over=name, gain=value - rival(everything), at_least=_lower(drawn[name]))
        for name, rival in rivals.items()
    )


def _lower(drawn: list[float]) -> float:
    known = [each for each in drawn if np.isfinite(each)]
    return float(np.percentile(known, _TAIL)) if known else float("-inf")
