"""Expected values of a model for requests without its answer, fitted on those with one.

Two steps. First a line over the difficulty of the request and the length of its prompt, by ridge
regression with an unpenalized constant, so with little data it is the mean. Second the effect of
the given answer: requests with a bad (or good) given answer are, on the average of those that both
models answered, worse (or better) by an offset, shrunk towards zero by `SHRINK` pairs.

Invariants: a case's own answer is excluded from its own expectation (`FOLDS` fits, each without a
part of the cases). An answer drawn with probability p has weight 1/p, at most `MOST_WEIGHT`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.curves import Vector

FOLDS = 5
SHRINK = 4.0
RIDGE = 4.0
MOST_WEIGHT = 20.0

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionData:
    """Input of expectations, a row a case: `signs` are standardized columns, `fold` is the fit that
    excludes the case, `cell` the kind of given answer (-1: uninformative).
    """

    signs: NDArray[np.float64]
    fold: Places
    cell: Places

    @property
    def cells(self) -> int:
        """Return the number of kinds of given answers."""
        return int(self.cell.max(initial=-1)) + 1


def standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns with mean 0 and deviation 1; a constant one is 0."""
    if not len(columns):
        return columns
    spread = columns.std(axis=0)
    centred = columns - columns.mean(axis=0)
    found: NDArray[np.float64] = centred / np.where(spread > 0, spread, 1.0)
    return np.clip(found, -4.0, 4.0)


def expected(
    data: RegressionData, rows: Places, values: Vector, weights: Vector, cells: Places
) -> Vector:
    """Return the expectation of a value for every case, from the `rows` where it was observed.

    `cells` are those rows' kinds of given answers, -1 if the given answer is the row's own. Without
    rows the expectation is NaN.
    """
    found = np.full(len(data.fold), np.nan)
    if not len(rows):
        return found
    own = data.fold[rows]
    capped = np.minimum(weights, MOST_WEIGHT)
    for fold in range(FOLDS):
        kept = own != fold
        if not kept.any():
            kept = np.ones(len(rows), dtype=bool)
        mine = np.flatnonzero(data.fold == fold)
        line = _line(data.signs[rows[kept]], values[kept], capped[kept])
        level = line[0] + data.signs[mine] @ line[1:]
        rest = values[kept] - line[0] - data.signs[rows[kept]] @ line[1:]
        offsets = _offsets(rest, capped[kept], cells[kept], data.cells)
        found[mine] = level + offsets[data.cell[mine]]
    return found


def _line(signs: NDArray[np.float64], values: Vector, weights: Vector) -> Vector:
    """Weighted ridge with an unpenalized constant: the constant, then a slope a column."""
    share = weights / weights.sum()
    middle, mean = share @ signs, float(share @ values)
    centred = signs - middle
    scale = weights / weights.mean()
    normal = (centred * scale[:, None]).T @ centred + RIDGE * np.eye(signs.shape[1])
    slopes = np.linalg.solve(normal, (centred * scale[:, None]).T @ (values - mean))
    return np.concatenate(([mean - float(middle @ slopes)], slopes))


def _offsets(rest: Vector, weights: Vector, cells: Places, count: int) -> Vector:
    """Return the offset of each kind of given answer; the last entry, for -1, is 0."""
    found = np.zeros(count + 1)
    for cell in range(count):
        inside = cells == cell
        if inside.any():
            pairs = float(inside.sum())
            mean = float(weights[inside] @ rest[inside] / weights[inside].sum())
            found[cell] = mean * pairs / (pairs + SHRINK)
    return found
