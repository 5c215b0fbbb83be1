"""Whether traffic, or the confidence in answers, is no longer what it was.

The population stability index compares two distributions over the same bins; by the usual reading
0.1 is a change to look at and 0.25 a shift (Siddiqi, Credit Risk Scorecards, 2006). From samples of
n and m over B bins it is about (B - 1) (1/n + 1/m) even where nothing has changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

BINS = 10
SHIFTED = 0.25
"""Stability index from which traffic counts as shifted."""

_LEAST = 0.5
"""Count that stands in for an empty bin, so that the logarithm is finite."""


def bin_of(score: float) -> int:
    """The bin of a score 0..1, 0 to `BINS` - 1."""
    return min(int(score * BINS), BINS - 1)


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """The population stability index of two counts over the same bins, 0 for equal shares."""
    left, right = [_shares(counts) for counts in (before, now)]
    return sum((b - a) * math.log(b / a) for a, b in zip(left, right, strict=True))


def _shares(counts: Sequence[int]) -> list[float]:
    filled = [max(float(count), _LEAST) for count in counts]
    whole = sum(filled)
    return [count / whole for count in filled]
