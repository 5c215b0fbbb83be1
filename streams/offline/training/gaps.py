"""Imputation of missing scores in labels.

A running system calls one or two models for each request, so most scores are missing (NaN). They
are imputed from the other labels: the difficulty by the prompt's text, and the deviation of the
known scores from it. Imputed scores shape the trees; leaf values then use known scores only, shrunk
towards the imputed ones where few are known. So a model with few labels uses the common difficulty,
and one with many its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from streams.offline.training.labels import LabelsError
from streams.routing.learned.forest import Forest

Floats = NDArray[np.float64]

LEAST_KNOWN = 20
"""Known scores that a model needs if it was not scored in every row."""

_COMMON = 2.0
"""Prior weight, in labels, of the common part of a label's deviation: scores of two models to a
prompt correlate by about a third once its text is known.
"""
_BORROWED = 4.0
"""Weight of imputed scores in a leaf, in labels."""


def refuse_few(scores: Floats, models: Sequence[str]) -> None:
    """Check that every incomplete column has enough known scores.

    Raises:
        LabelsError: a model has fewer than `LEAST_KNOWN`.
    """
    known = np.isfinite(scores)
    for column, model in enumerate(models):
        many = int(known[:, column].sum())
        if many < min(LEAST_KNOWN, len(known)):
            raise LabelsError(
                f"{model} has {many} labels, fewer than the required {LEAST_KNOWN}; "
                "add more, or exclude the model"
            )


def means_of(scores: Floats, weights: Floats | None) -> Floats:
    """Return the mean known score of each column."""
    known = np.isfinite(scores)
    counts = known if weights is None else known * weights[:, None]
    means: Floats = (np.where(known, scores, 0.0) * counts).sum(axis=0) / counts.sum(axis=0)
    return means


def fill(scores: Floats, guessed: Floats) -> Floats:
    """Return the scores with missing ones imputed as guessed (by row and column), shifted by the
    deviation of the row's known scores from the guess.
    """
    known = np.isfinite(scores)
    surprise = np.where(known, scores - guessed, 0.0).sum(axis=1) / (known.sum(axis=1) + _COMMON)
    return np.where(known, scores, np.clip(guessed + surprise[:, None], 0.0, 1.0))


def count_known(
    forest: Forest,
    grown: ExtraTreesRegressor,
    rows: NDArray[np.float32],
    scores: Floats,
    weights: Floats | None,
) -> Forest:
    """Return the forest with the mean of the known scores in each leaf, shrunk towards its previous
    value; outputs beyond the columns of the scores stay.
    """
    known = np.isfinite(scores)
    counts = known.astype(np.float64) if weights is None else known * weights[:, None]
    sums = np.where(known, scores, 0.0) * counts
    leaves = (grown.apply(rows) + forest.roots).ravel()
    trees, value = len(forest.roots), forest.value.astype(np.float64)
    for column in range(scores.shape[1]):
        totals = np.bincount(leaves, np.repeat(counts[:, column], trees), len(value))
        total = np.bincount(leaves, np.repeat(sums[:, column], trees), len(value))
        value[:, column] = (total + _BORROWED * value[:, column]) / (totals + _BORROWED)
    return replace(forest, value=value.astype(np.float32))
