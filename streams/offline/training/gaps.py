"""Labels that are not complete: what stands in for a score that nobody gave.

A running system asks one or two models for each request, so most scores are unknown (NaN). They are
filled by what the other labels say: how hard the prompt's text looks, and how much better or worse
than that the models did which were asked. What is filled shapes the trees; their leaves then count
known scores only, drawn towards what was filled where few are known. So a model with few labels
borrows the difficulty that is common to all, and one with many keeps its own.
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
"""Known scores that a model needs, where it was not scored in every row."""

_COMMON = 2.0
"""Labels' worth of doubt in how far one label's surprise is common to all models: scores of two
models to a prompt correlate by about a third once its text is known."""
_BORROWED = 4.0
"""Labels' worth of what was filled, in a leaf."""


def refuse_few(scores: Floats, models: Sequence[str]) -> None:
    """Every incomplete column needs known scores.

    Raises:
        LabelsError: a model has fewer than `LEAST_KNOWN`.
    """
    known = np.isfinite(scores)
    for column, model in enumerate(models):
        many = int(known[:, column].sum())
        if many < min(LEAST_KNOWN, len(known)):
            raise LabelsError(
                f"{model} has {many} labels, at least {LEAST_KNOWN} are needed to learn from; "
                "bring more, or leave it out"
            )


def means_of(scores: Floats, weights: Floats | None) -> Floats:
    """The mean known score of each column."""
    known = np.isfinite(scores)
    counts = known if weights is None else known * weights[:, None]
    means: Floats = (np.where(known, scores, 0.0) * counts).sum(axis=0) / counts.sum(axis=0)
    return means


def fill(scores: Floats, guessed: Floats) -> Floats:
    """The scores, with the unknown ones as guessed (by row and column), moved by how much better or
    worse than guessed the row's known scores are.
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
    """The forest whose leaves hold the mean of the known scores that fell into them, drawn towards
    what they held; outputs beyond the columns of the scores stay.
    """
    known = np.isfinite(scores)
    counts = known.astype(np.float64) if weights is None else known * weights[:, None]
    sums = np.where(known, scores, 0.0) * counts
    leaves = (grown.apply(rows) + forest.roots).ravel()
    trees, value = len(forest.roots), forest.value.astype(np.float64)
    for column in range(scores.shape[1]):
        seen = np.bincount(leaves, np.repeat(counts[:, column], trees), len(value))
        total = np.bincount(leaves, np.repeat(sums[:, column], trees), len(value))
        value[:, column] = (total + _BORROWED * value[:, column]) / (seen + _BORROWED)
    return replace(forest, value=value.astype(np.float32))
