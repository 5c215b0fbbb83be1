"""Whether what was learned is surely better than what needs no learning.

Each row is judged by a model that was not fitted on it (cross-fitting), and the same resampled rows
are counted for both sides (a paired bootstrap), so that luck with the rows falls on both alike. A
gain passes when its lower bound, one-sided with 95 % confidence, is above zero: on labels that mean
nothing at most one run in twenty passes.
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
    """How much better than a rival, by the figure compared, and what it is at least (95 %)."""

    over: str
    gain: float
    at_least: float

    @property
    def is_sure(self) -> bool:
        """Whether it is above zero with confidence."""
        return self.at_least > 0

    def as_document(self) -> dict[str, float | str]:
        """As `sluice train --json` prints it."""
        return {
            "over": self.over,
            "gain": round(self.gain, 6),
            "at_least": round(self.at_least, 6),
        }


def apgr_of(weak: Floats, strong: Floats, wish: Floats) -> Statistic:
    """APGR of a wish for the strong model."""
    ranking = Ranking.of(weak, strong, wish)
    return lambda counts: ranking.curve(counts).area


def auroc_of(bad: Floats, doubt: Floats) -> Statistic:
    """How well doubt tells bad answers (1) from good ones (0); NaN where one kind is missing."""

    def figure(counts: Floats) -> float:
        places = np.repeat(np.arange(len(bad)), counts.astype(np.intp))
        found = auroc(doubt[places], bad[places])
        return float("nan") if found is None else found

    return figure


def gains_over(
    learned: Statistic, rivals: Mapping[str, Statistic], rows: int, *, seed: int = 0
) -> tuple[Gain, ...]:
    """The gain over each rival, on the same resamples. Resamples without a figure are left out; if
    all are, nothing is sure.

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
