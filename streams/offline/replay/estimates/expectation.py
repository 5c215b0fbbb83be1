"""What is to be expected of a model where it was not asked: fitted on where it was.

Two readable steps. A line over how difficult the request is and how long its prompt is, by ridge
regression whose constant is free, so that with little data it is the mean; then what the answer
that was given tells: requests whose given answer was bad (or good) are, on the average of those
that both models answered, so much worse (or better), shrunk towards nothing by `SHRINK` pairs.

What always holds: a case's own answer never takes part in its own expectation (`FOLDS` fits, each
without a part of the cases); what was drawn with probability p counts 1/p, at most `MOST_WEIGHT`.
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
    """What expectations are made from, a row a case: `signs` are standardised columns, `fold` says
    which fit leaves the case out, `cell` what was given (-1: nothing that tells anything).
    """

    signs: NDArray[np.float64]
    fold: Places
    cell: Places

    @property
    def cells(self) -> int:
        """How many kinds of given answers there are."""
        return int(self.cell.max(initial=-1)) + 1


def standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns with mean 0 and deviation 1; one that does not vary is 0."""
    if not len(columns):
        return columns
    spread = columns.std(axis=0)
    centred = columns - columns.mean(axis=0)
    found: NDArray[np.float64] = centred / np.where(spread > 0, spread, 1.0)
    return np.clip(found, -4.0, 4.0)


def expected(
    ground: RegressionData, rows: Places, values: Vector, weights: Vector, cells: Places
) -> Vector:
    """The expectation of a value for every case, from the `rows` where it was seen.

    `cells` are those rows' kinds of given answers, -1 where the given answer is this very one.
    Without any rows nothing is expected: NaN.
    """
    found = np.full(len(ground.fold), np.nan)
    if not len(rows):
        return found
    own = ground.fold[rows]
    capped = np.minimum(weights, MOST_WEIGHT)
    for fold in range(FOLDS):
        kept = own != fold
        if not kept.any():
            kept = np.ones(len(rows), dtype=bool)
        mine = np.flatnonzero(ground.fold == fold)
        line = _line(ground.signs[rows[kept]], values[kept], capped[kept])
        level = line[0] + ground.signs[mine] @ line[1:]
        rest = values[kept] - line[0] - ground.signs[rows[kept]] @ line[1:]
        told = _told(rest, capped[kept], cells[kept], ground.cells)
        found[mine] = level + told[ground.cell[mine]]
    return found


def _line(signs: NDArray[np.float64], values: Vector, weights: Vector) -> Vector:
    """Weighted ridge with a free constant: the constant, then a slope a column."""
    share = weights / weights.sum()
    middle, mean = share @ signs, float(share @ values)
    centred = signs - middle
    scale = weights / weights.mean()
    normal = (centred * scale[:, None]).T @ centred + RIDGE * np.eye(signs.shape[1])
    slopes = np.linalg.solve(normal, (centred * scale[:, None]).T @ (values - mean))
    return np.concatenate(([mean - float(middle @ slopes)], slopes))


def _told(rest: Vector, weights: Vector, cells: Places, count: int) -> Vector:
    """What each kind of given answer adds; the last entry, for -1, adds nothing."""
    found = np.zeros(count + 1)
    for cell in range(count):
        inside = cells == cell
        if inside.any():
            pairs = float(inside.sum())
            mean = float(weights[inside] @ rest[inside] / weights[inside].sum())
            found[cell] = mean * pairs / (pairs + SHRINK)
    return found
