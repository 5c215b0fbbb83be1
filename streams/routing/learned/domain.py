"""How much a prompt is like those that an artifact was trained on.

Labels are gathered round centers (k-means over weighed n-grams, on the unit sphere). A prompt is
held against the center that it is most like, and against how like it that center's own labels are
when they are left out of its making: a narrow center asks for more than a wide one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.learned.ngrams import BUCKETS, Floats, Ids, weigh
from streams.routing.rules.complexity import SCORE_DIGITS

FAMILIAR = 0.5
"""From this familiarity on an artifact's word counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """`centers` by bucket and center, of length 1 each; `low` and `high` by center: similarities
    below which a prompt is nothing like its labels, and from which it is as much so as they are.
    """

    centers: NDArray[np.float16]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def familiarity(self, ngrams: tuple[Ids, Floats], idf: NDArray[np.float32]) -> float:
        """0 (nothing like the labels) to 1, rounded to 1e-6; `idf` is that of the linear model."""
        ids, counts = ngrams
        weighed = weigh(counts, idf[ids].astype(np.float64))
        similar = weighed @ self.centers[ids].astype(np.float64)
        nearest = int(np.argmax(similar))
        low, high = float(self.low[nearest]), float(self.high[nearest])
        share = (float(similar[nearest]) - low) / (high - low)
        return round(min(max(share, 0.0), 1.0), SCORE_DIGITS)

    def checked(self) -> Domain:
        """Itself, when its arrays fit each other.

        Raises:
            ArtifactError: they do not, or hold numbers that are not finite.
        """
        count = len(self.low)
        if not count or self.centers.shape != (BUCKETS, count) or self.high.shape != (count,):
            raise ArtifactError("the arrays of the artifact's domain do not fit each other")
        if not all(np.isfinite(each).all() for each in (self.centers, self.low, self.high)):
            raise ArtifactError("the artifact's domain holds numbers that are not finite")
        if not (self.high > self.low).all():
            raise ArtifactError("the artifact's domain has a center that nothing is like")
        return self
