"""The cost-quality curve of a router between a weak and a strong model.

Requests are sent to the strong model in the order of their preference, highest first. Over the
share of strong calls, PGR = (quality - weak) / (strong - weak), the performance gap recovered, is
piecewise linear: within requests of equal preference the order is left to chance, whose
expectation is a straight line. Its area (APGR) and the share needed for a PGR (CPT) are therefore
exact. Definitions: RouteLLM, arXiv 2406.18665, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SluiceError

Vector = NDArray[np.float64]


class NoGapError(SluiceError):
    """The strong model is not better than the weak one on these rows: no gap to recover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GainCurve:
    """Corners of the curve: `shares` of strong calls 0..1 and the `pgr` there, 0 to 1 at its ends
    (above 1 where a mix beats the strong model alone).
    """

    shares: Vector
    pgr: Vector

    @property
    def area(self) -> float:
        """APGR: 0.5 is a router that tosses a coin."""
        middles = (self.pgr[1:] + self.pgr[:-1]) / 2
        return float((middles * np.diff(self.shares)).sum())

    def share_for(self, pgr: float) -> float:
        """CPT: the least share of strong calls, 0..1, at which this PGR (0..1) is reached."""
        at = int(np.argmax(self.pgr >= pgr - 1e-12))
        if at == 0:
            return float(self.shares[0])
        low, high = self.pgr[at - 1], self.pgr[at]
        part = (pgr - low) / (high - low)
        return float(self.shares[at - 1] + part * (self.shares[at] - self.shares[at - 1]))

    def pgr_at(self, share: float) -> float:
        """PGR at a share of strong calls."""
        return float(np.interp(share, self.shares, self.pgr))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Rows in the order in which they go to the strong model; made once, weighed often.

    `gains` are strong minus weak scores in that order, `ends` the place behind the last row of
    each group of equal preference.
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
        """The curve, where row i of the input counts `weights[i]` times.

        Raises:
            NoGapError: the strong model is no better than the weak one.
        """
        counts = np.ones(len(self.gains)) if weights is None else weights[self.order]
        gained = np.concatenate(([0.0], np.cumsum(self.gains * counts)[self.ends - 1]))
        seen = np.concatenate(([0.0], np.cumsum(counts)[self.ends - 1]))
        if gained[-1] <= 0 or seen[-1] <= 0:
            raise NoGapError(
                "the strong model is not better than the weak one on these rows; "
                "swap them, or take others"
            )
        return GainCurve(shares=seen / seen[-1], pgr=gained / gained[-1])


def gain_curve(weak: Vector, strong: Vector, preference: Vector) -> GainCurve:
    """The curve of a preference over rows with a weak and a strong score each.

    Raises:
        NoGapError: the strong model is no better than the weak one.
    """
    return Ranking.of(weak, strong, preference).curve()


def oracle_preference(weak: Vector, strong: Vector) -> Vector:
    """What a router that knew both scores would prefer: the most gained first."""
    return strong - weak
