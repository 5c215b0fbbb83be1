"""Similarity of a prompt to the training data of an artifact.

Labels are clustered (k-means over weighted n-grams, on the unit sphere). A prompt is compared with
its nearest center, relative to the similarity of that center's own labels when they are left out of
its computation: a narrow center requires more than a wide one. The features of its text are
compared by leverage: the distance from the mean in directions of low variance of the labels. A
prompt that is unlike by words, by features, or by style (`styles`) is unlike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.learned import text_numbers
from streams.routing.learned.ngrams import BUCKETS, Floats, Ids, weigh
from streams.routing.learned.styles import Styles

FAMILIAR = 0.5
"""From this familiarity the artifact's prediction is used."""


_FURTHEST = 8.0
"""Standard deviations at which a feature is clipped."""


def leverage(
    numbers: Floats,
    mean: NDArray[np.floating[Any]],
    scale: NDArray[np.floating[Any]],
    precision: NDArray[np.floating[Any]],
) -> Floats:
    """Return the leverage of each row of features."""
    away = standardized(numbers, mean, scale)
    found: Floats = ((away @ precision.astype(np.float64, copy=False)) * away).sum(axis=1)
    return found


def standardized(
    numbers: Floats, mean: NDArray[np.floating[Any]], scale: NDArray[np.floating[Any]]
) -> Floats:
    """Return features as standard deviations from the labels' mean."""
    away: Floats = np.clip((numbers - mean) / scale, -_FURTHEST, _FURTHEST)
    return away


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Training domain. `centers` by bucket and center, of length 1 each. `low` and `high` by
    center: similarities below which a prompt is unlike its labels, and from which it is as similar
    as they are. `mean`, `scale` and `precision` of the labels' features; `reach` is the leverage up
    to which a prompt is like them, and from which it is not. Artifacts of earlier versions have no
    `styles`.
    """

    centers: NDArray[np.float16]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    precision: NDArray[np.float32]
    reach: NDArray[np.float32]
    styles: Styles | None = None
    _centers: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _precision: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Converting half precision takes longer than the product.
        object.__setattr__(self, "_centers", self.centers.astype(np.float32))
        object.__setattr__(self, "_precision", self.precision.astype(np.float64))

    def familiarity(
        self, numbers: Floats, ngrams: tuple[Ids, Floats], idf: NDArray[np.float32]
    ) -> float:
        """Return 0 (unlike the labels) to 1, rounded to 1e-6; `numbers` and n-grams of a prompt,
        `idf` of the linear model.
        """
        near, far = float(self.reach[0]), float(self.reach[1])
        within = (far - float(self.leverage(numbers[None, :])[0])) / (far - near)
        found = min(within, self._similarity(ngrams, idf))
        if self.styles is not None and found > 0:
            found = min(
                found, self.styles.familiarity(standardized(numbers, self.mean, self.scale))
            )
        return round(min(max(found, 0.0), 1.0), SCORE_DIGITS)

    def leverage(self, numbers: Floats) -> Floats:
        """Return the distance of each row's features from those of the labels."""
        return leverage(numbers, self.mean, self.scale, self._precision)

    def _similarity(self, ngrams: tuple[Ids, Floats], idf: NDArray[np.float32]) -> float:
        ids, counts = ngrams
        weighed = weigh(counts, idf[ids].astype(np.float64))
        similar = weighed @ self._centers[ids].astype(np.float64)
        nearest = int(np.argmax(similar))
        low, high = float(self.low[nearest]), float(self.high[nearest])
        return (float(similar[nearest]) - low) / (high - low)

    def checked(self) -> Domain:
        """Return itself, if its arrays are consistent.

        Raises:
            ArtifactError: they are not, or contain numbers that are not finite.
        """
        count = len(self.low)
        if not count or self.centers.shape != (BUCKETS, count) or self.high.shape != (count,):
            raise ArtifactError("the arrays of the artifact's domain are inconsistent")
        size = len(text_numbers.NAMES)
        shapes = (self.mean.shape, self.scale.shape, self.precision.shape, self.reach.shape)
        if shapes != ((size,), (size,), (size, size), (2,)):
            raise ArtifactError("the numbers of the artifact's domain are inconsistent")
        arrays = (self.centers, self.low, self.high, self.mean, self.precision, self.reach)
        if not all(np.isfinite(each).all() for each in arrays) or not (self.scale > 0).all():
            raise ArtifactError("the artifact's domain has numbers that are not finite")
        if not (self.high > self.low).all() or not self.reach[1] > self.reach[0]:
            raise ArtifactError("the artifact's domain has a center without similar prompts")
        if self.styles is not None:
            self.styles.checked(size)
        return self
