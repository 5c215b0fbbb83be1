"""Distribution shift of traffic, or of the confidence in answers.

The population stability index compares two distributions over the same bins. By convention 0.1 is a
change to examine and 0.25 a shift (Siddiqi, Credit Risk Scorecards, 2006). For samples of n and m
over B bins it is about (B - 1) (1/n + 1/m) even without a change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

BINS = 10
SHIFTED = 0.25
"""Stability index from which traffic counts as shifted."""

_LEAST = 0.5
"""Count used for an empty bin, so that the logarithm is finite."""


def bin_of(score: float) -> int:
    """Return the bin of a score 0..1, 0 to `BINS` - 1."""
    return min(int(score * BINS), BINS - 1)


def stability_index(before: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index of two counts over the same bins, 0 for equal
    shares.
    """
    left, right = [_shares(counts) for counts in (before, now)]
    return sum((b - a) * math.log(b / a) for a, b in zip(left, right, strict=True))


def _shares(counts: Sequence[int]) -> list[float]:
    filled = [max(float(count), _LEAST) for count in counts]
    whole = sum(filled)
    return [count / whole for count in filled]
