"""Styles of the labels of an artifact: clusters of their numeric text features.

Sets of prompts differ in style, not only in words: a new kind of task with known words is
recognized by its features. The distance to a style is the mean squared deviation from it, in its
own spread. Leverage alone measures against the spread of all labels, which several sets widen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.learned.ngrams import Floats


def style_distances(
    away: Floats, means: NDArray[np.float32], precisions: NDArray[np.float32]
) -> Floats:
    """Return the distance of each row of standardized features to each style."""
    found: Floats = np.stack(
        [
            ((away - mean) ** 2 @ precision.astype(np.float64)) / len(mean)
            for mean, precision in zip(means, precisions, strict=True)
        ],
        axis=1,
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Styles:
    """By style: `means` of the standardized features, `precisions` (one over the variance of each),
    and `near` and `far`: distances up to which a prompt has it, and from which it has not.
    """

    means: NDArray[np.float32]
    precisions: NDArray[np.float32]
    near: NDArray[np.float32]
    far: NDArray[np.float32]

    def familiarity(self, away: Floats) -> float:
        """Return 1 (within the nearest style) to 0 or below; `away` are standardized features."""
        distances = style_distances(away[None, :], self.means, self.precisions)[0]
        nearest = int(np.argmin(distances))
        near, far = float(self.near[nearest]), float(self.far[nearest])
        return (far - float(distances[nearest])) / (far - near)

    def checked(self, features: int) -> Styles:
        """Return itself, if its arrays are consistent and have this number of features.

        Raises:
            ArtifactError: they are not.
        """
        count = len(self.near)
        shape = (count, features)
        if not count or self.means.shape != shape or self.precisions.shape != shape:
            raise ArtifactError("the arrays of the artifact's styles are inconsistent")
        if self.far.shape != (count,) or not (self.far > self.near).all():
            raise ArtifactError("the artifact's domain has a style without similar prompts")
        if not all(np.isfinite(each).all() for each in (self.means, self.precisions, self.far)):
            raise ArtifactError("the artifact's styles have numbers that are not finite")
        return self
