"""Fits the domain of an artifact: the clusters of its labels, and their similarity limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import MiniBatchKMeans

from streams.offline.training.fit_styles import fit_styles
from streams.offline.training.ngram_rows import NgramRows, weigh_rows
from streams.routing.learned.domain import Domain, leverage, standardized
from streams.routing.learned.ngrams import Floats

LEAST_ROWS = 60
"""Minimum number of labels for a domain."""

MOST_CENTERS = 48
ROWS_A_CENTER = 25
_KEPT = 400
"""Number of heaviest buckets kept of a center."""

_LOW, _HIGH = 0.02, 0.1
"""Quantiles of the labels' own similarities below which a prompt is unlike, and above which it is
alike.
"""

_LOW_OF_MEDIAN, _HIGH_OF_MEDIAN = 0.65, 0.8
"""Shares of the usual similarity that limit both, for labels that are very much alike."""

_NEAR_OF_MEDIAN, _FAR_OF_MEDIAN = 2.0, 4.0
"""The same of the usual leverage."""

_LEAST_SPREAD = 0.01
_LEAST_MEMBERS = 8


_RIDGE = 1.0
"""Variance added to each number, so that one without variance in the labels does not dominate."""

_LEAST_SCALE = 0.01


def fit_domain(
    numbers: Floats, counted: NgramRows, idf: NDArray[np.float32], seed: int
) -> Domain | None:
    """Return the domain of prompts with these numbers and n-grams; `None` if they are too few."""
    if len(counted) < LEAST_ROWS:
        return None
    matrix = weigh_rows(counted.matrix(), idf)
    places = np.random.default_rng(seed).permutation(len(counted))
    third = len(places) // 3
    made, held = np.sort(places[third:]), np.sort(places[:third])
    centers = _centers(matrix[made], seed)
    similar = np.asarray(matrix[held] @ centers)
    nearest, best = similar.argmax(axis=1), similar.max(axis=1)
    count = centers.shape[1]
    low, high = np.zeros(count), np.zeros(count)
    for center in range(count):
        own = best[nearest == center]
        similarities = own if len(own) >= _LEAST_MEMBERS else best
        usual = float(np.median(similarities))
        low[center] = min(float(np.quantile(similarities, _LOW)), _LOW_OF_MEDIAN * usual)
        high[center] = min(float(np.quantile(similarities, _HIGH)), _HIGH_OF_MEDIAN * usual)
    mean, scale, precision = _spread(numbers[made])
    away = leverage(numbers[held], mean, scale, precision)
    usual = float(np.median(away))
    near = max(float(np.quantile(away, 1 - _HIGH)), _NEAR_OF_MEDIAN * usual)
    far = max(float(np.quantile(away, 1 - _LOW)), _FAR_OF_MEDIAN * usual)
    return Domain(
        centers=centers.astype(np.float16),
        low=low.astype(np.float32),
        high=np.maximum(high, low + _LEAST_SPREAD).astype(np.float32),
        mean=mean,
        scale=scale,
        precision=precision,
        reach=np.array([near, max(far, near + 1.0)], np.float32),
        styles=fit_styles(
            standardized(numbers[made], mean, scale), standardized(numbers[held], mean, scale), seed
        ),
    )


def _spread(
    numbers: Floats,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    mean = numbers.mean(axis=0).astype(np.float32)
    scale = np.maximum(numbers.std(axis=0), _LEAST_SCALE).astype(np.float32)
    away = standardized(numbers, mean, scale)
    spread = away.T @ away / len(away) + _RIDGE * np.eye(numbers.shape[1])
    return mean, scale, np.linalg.inv(spread).astype(np.float32)


def _centers(matrix: csr_matrix, seed: int) -> Floats:
    """Return centers by bucket, of length 1, without their lightest buckets."""
    count = min(MOST_CENTERS, max(matrix.shape[0] // ROWS_A_CENTER, 1))
    means = MiniBatchKMeans(count, random_state=seed, n_init=1, batch_size=1024, max_iter=30)
    found = np.asarray(means.fit(matrix).cluster_centers_, np.float64)
    for center in found:
        center[np.argsort(-center, kind="stable")[_KEPT:]] = 0.0
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    centers: Floats = found.T
    return centers
