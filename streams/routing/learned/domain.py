"""How much a prompt is like those that an artifact was trained on.

Labels are gathered round centers (k-means over weighed n-grams, on the unit sphere). A prompt is
held against the center that it is most like, and against how like it that center's own labels are
when they are left out of its making: a narrow center asks for more than a wide one. The numbers of
its text are held against theirs by leverage: how far they lie from the mean in directions in which
the labels hardly differ. What is unlike by words or by numbers is unlike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.learned import text_numbers
from streams.routing.learned.ngrams import BUCKETS, Floats, Ids, weigh

FAMILIAR = 0.5
"""From this familiarity on an artifact's word counts."""


_FURTHEST = 8.0
"""Standard deviations beyond which a number is no further off."""


def leverage(
    numbers: Floats,
    mean: NDArray[np.floating[Any]],
    scale: NDArray[np.floating[Any]],
    precision: NDArray[np.floating[Any]],
) -> Floats:
    """The leverage of each row of numbers."""
    away = standardized(numbers, mean, scale)
    found: Floats = np.einsum("ij,jk,ik->i", away, precision.astype(np.float64), away)
    return found


def standardized(
    numbers: Floats, mean: NDArray[np.floating[Any]], scale: NDArray[np.floating[Any]]
) -> Floats:
    """Numbers as standard deviations from the mean of the labels'."""
    away: Floats = np.clip((numbers - mean) / scale, -_FURTHEST, _FURTHEST)
    return away


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """`centers` by bucket and center, of length 1 each; `low` and `high` by center: similarities
    below which a prompt is nothing like its labels, and from which it is as much so as they are.
    `mean`, `scale` and `precision` of the labels' numbers; `reach` is the leverage up to which a
    prompt is like them, and from which it is not.
    """

    centers: NDArray[np.float16]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    precision: NDArray[np.float32]
    reach: NDArray[np.float32]

    def familiarity(
        self, numbers: Floats, ngrams: tuple[Ids, Floats], idf: NDArray[np.float32]
    ) -> float:
        """0 (nothing like the labels) to 1, rounded to 1e-6; `numbers` and n-grams of a prompt,
        `idf` that of the linear model.
        """
        near, far = float(self.reach[0]), float(self.reach[1])
        within = (far - float(self.leverage(numbers[None, :])[0])) / (far - near)
        found = min(within, self._similarity(ngrams, idf))
        return round(min(max(found, 0.0), 1.0), SCORE_DIGITS)

    def leverage(self, numbers: Floats) -> Floats:
        """How far the numbers of each row lie from those of the labels."""
        return leverage(numbers, self.mean, self.scale, self.precision)

    def _similarity(self, ngrams: tuple[Ids, Floats], idf: NDArray[np.float32]) -> float:
        ids, counts = ngrams
        weighed = weigh(counts, idf[ids].astype(np.float64))
        similar = weighed @ self.centers[ids].astype(np.float64)
        nearest = int(np.argmax(similar))
        low, high = float(self.low[nearest]), float(self.high[nearest])
        return (float(similar[nearest]) - low) / (high - low)

    def checked(self) -> Domain:
        """Itself, when its arrays fit each other.

        Raises:
            ArtifactError: they do not, or hold numbers that are not finite.
        """
        count = len(self.low)
        if not count or self.centers.shape != (BUCKETS, count) or self.high.shape != (count,):
            raise ArtifactError("the arrays of the artifact's domain do not fit each other")
        size = len(text_numbers.NAMES)
        shapes = (self.mean.shape, self.scale.shape, self.precision.shape, self.reach.shape)
        if shapes != ((size,), (size,), (size, size), (2,)):
            raise ArtifactError("the numbers of the artifact's domain do not fit each other")
        arrays = (self.centers, self.low, self.high, self.mean, self.precision, self.reach)
        if not all(np.isfinite(each).all() for each in arrays) or not (self.scale > 0).all():
            raise ArtifactError("the artifact's domain holds numbers that are not finite")
        if not (self.high > self.low).all() or not self.reach[1] > self.reach[0]:
            raise ArtifactError("the artifact's domain has a center that nothing is like")
        return self
