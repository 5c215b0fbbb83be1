"""Fits the styles of an artifact's labels, and their distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from streams.routing.learned.ngrams import Floats
from streams.routing.learned.styles import Styles, style_distances

MOST_STYLES = 24
ROWS_A_STYLE = 60
_LEAST_MEMBERS = 15
_ITERATIONS = 30

_SPREAD = 0.25
"""Variance added to each feature of a style, as a share of that of all labels."""

_NEAR, _FAR = 0.85, 0.98
"""Quantiles of the labels' own distances up to which a prompt has a style, and from which not."""

_LEAST_NEAR, _LEAST_FAR, _LEAST_STEP = 0.35, 0.7, 0.05
"""Minimum of both distances and of their difference: labels of a few templates are very much alike,
and a prompt of the same template with other words is still like them.
"""


def fit_styles(made: Floats, held: Floats, seed: int) -> Styles:
    """Return the styles of labels with the standardized features `made`; those of other labels,
    `held`, give the distances within a style.
    """
    count = min(MOST_STYLES, max(len(made) // ROWS_A_STYLE, 1))
    clusters = KMeans(count, n_init=1, random_state=seed, max_iter=_ITERATIONS).fit_predict(made)
    groups = [made[clusters == each] for each in range(count)]
    kept = [rows for rows in groups if len(rows) >= _LEAST_MEMBERS] or [made]
    means = np.array([rows.mean(axis=0) for rows in kept], np.float32)
    precisions = np.array([1 / (rows.var(axis=0) + _SPREAD) for rows in kept], np.float32)
    distances = style_distances(held, means, precisions)
    nearest, best = distances.argmin(axis=1), distances.min(axis=1)
    near, far = np.zeros(len(kept), np.float32), np.zeros(len(kept), np.float32)
    for style in range(len(kept)):
        own = best[nearest == style]
        near[style], far[style] = _limits(own if len(own) >= _LEAST_MEMBERS else best)
    return Styles(means=means, precisions=precisions, near=near, far=far)


def _limits(distances: Floats) -> NDArray[np.float64]:
    near, far = np.maximum(np.quantile(distances, [_NEAR, _FAR]), [_LEAST_NEAR, _LEAST_FAR])
    return np.array([near, max(far, near + _LEAST_STEP)])
