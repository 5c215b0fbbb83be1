"""Rows with the largest routing errors, for manual review."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.curves import Vector

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misjudged:
    """Indexes of rows, worst first, and for every row its `rank`: the share of rows with a lower
    preference for the strong model, ties count half.

    `kept_cheap`: the strong answer was better, and the row has a low rank. `sent_in_vain`: it was
    not better, and the row has a high rank.
    """

    rank: Vector
    kept_cheap: Places
    sent_in_vain: Places


def misjudged(weak: Vector, strong: Vector, preference: Vector, most: int = 10) -> Misjudged:
    """Return at most `most` rows of each kind; none if the preference is constant."""
    gain = strong - weak
    _, inverse, counts = np.unique(preference, return_inverse=True, return_counts=True)
    rank = ((np.cumsum(counts) - counts / 2) / len(preference))[inverse]
    if len(counts) == 1:
        nothing = np.array([], dtype=np.intp)
        return Misjudged(rank=rank, kept_cheap=nothing, sent_in_vain=nothing)
    # The loss: quality missed or lost, times the strength of the preference.
    return Misjudged(
        rank=rank,
        kept_cheap=_worst(gain * (1 - rank), (gain > 0) & (rank < 0.5), most),
        sent_in_vain=_worst(rank * (1 - gain), (gain <= 0) & (rank > 0.5), most),
    )


def _worst(regret: Vector, eligible: NDArray[np.bool_], most: int) -> Places:
    places = np.flatnonzero(eligible)
    return places[np.argsort(-regret[places], kind="stable")][:most]
