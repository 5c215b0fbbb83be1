"""Cost-quality curve of a router between a weak and a strong model.

Requests use the strong model in the order of their preference, highest first. Over the share of
strong calls, PGR = (quality - weak) / (strong - weak), the performance gap recovered, is piecewise
linear: within requests of equal preference the order is random, with a straight line as its
expectation. So its area (APGR) and the share needed for a PGR (CPT) are exact. Definitions:
RouteLLM, arXiv 2406.18665, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SluiceError

Vector = NDArray[np.float64]


class NoGapError(SluiceError):
    """The strong model is not better than the weak one on these rows: there is no gap to
    recover.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GainCurve:
    """Corners of the curve: `shares` of strong calls 0..1 and their `pgr`, 0 to 1 at its ends
    (above 1 where a mix is better than the strong model alone).
    """

    shares: Vector
    pgr: Vector

    @property
    def area(self) -> float:
        """Return APGR; 0.5 for a random router."""
        middles = (self.pgr[1:] + self.pgr[:-1]) / 2
        return float((middles * np.diff(self.shares)).sum())

    def share_for(self, pgr: float) -> float:
        """Return CPT: the least share of strong calls, 0..1, that reaches this PGR (0..1)."""
        at = int(np.argmax(self.pgr >= pgr - 1e-12))
        if at == 0:
            return float(self.shares[0])
        low, high = self.pgr[at - 1], self.pgr[at]
        part = (pgr - low) / (high - low)
        return float(self.shares[at - 1] + part * (self.shares[at] - self.shares[at - 1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Rows in the order in which they use the strong model; built once, weighted often.

    `gains` are strong minus weak scores in that order, `ends` the index after the last row of each
    group of equal preference.
    """

    order: NDArray[np.intp]
    gains: Vector
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, weak: Vector, strong: Vector, preference: Vector) -> Ranking:
        """Rank rows by preference; the three vectors have a value for each row."""
        order = np.argsort(-preference, kind="stable")
        ranked = preference[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)) + 1, len(ranked))
        return cls(order=order, gains=(strong - weak)[order], ends=ends)

    def curve(self, weights: Vector | None = None) -> GainCurve:
        """Return the curve with row i of the input counted `weights[i]` times.

        Raises:
            NoGapError: the strong model is no better than the weak one.
        """
        counts = np.ones(len(self.gains)) if weights is None else weights[self.order]
        gained = np.concatenate(([0.0], np.cumsum(self.gains * counts)[self.ends - 1]))
        covered = np.concatenate(([0.0], np.cumsum(counts)[self.ends - 1]))
        if gained[-1] <= 0 or covered[-1] <= 0:
            raise NoGapError(
                "the strong model is not better than the weak one on these rows; "
                "swap them, or take others"
            )
        return GainCurve(shares=covered / covered[-1], pgr=gained / gained[-1])


def gain_curve(weak: Vector, strong: Vector, preference: Vector) -> GainCurve:
    """Return the curve of a preference over rows with a weak and a strong score each.

    Raises:
        NoGapError: the strong model is no better than the weak one.
    """
    return Ranking.of(weak, strong, preference).curve()


def oracle_preference(weak: Vector, strong: Vector) -> Vector:
    """Return the preference of a router with both scores: the highest gain first."""
    return strong - weak
