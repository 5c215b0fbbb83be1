"""Estimated cost and quality of a policy for each request.

From the last step of a request's trajectory to the first, sequentially doubly robust (Dudik,
Langford and Li, ICML 2011; over several steps Jiang and Li, ICML 2016):

    worth = expected + seen / chance * (corrected - expected)
    corrected = (1 - continues) * value + continues * worth of the rest

For an answer without a draw (chance 1) the estimate is the observed value. For one that a draw of
designed probability could have selected, the errors of the drawn ones correct all, so the mean is
unbiased for any expectations. For one that no draw could have selected (chance 0), the expectation
is the estimate, and is marked so. The variance is that of the draws, by the errors of the same
model, `(1 / chance - 1) * spread` a request. The variance of uncorrected expectations assumes that
the answers behind them were selected at random: their real selection is not included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.curves import Vector
from streams.offline.replay.cases import Step
from streams.offline.replay.estimates.expectation import Places
from streams.offline.replay.estimates.levels import TrajectoryStep, levels_of
from streams.offline.replay.estimates.table import CaseColumn, CaseTable, Flags

LEAST_MISSES = 8.0
"""Errors among a policy's own cases that count as much as those of the model as a whole."""


class Basis(IntEnum):
    """Basis of a request's estimate, the weakest of its steps."""

    SEEN = 0
    CORRECTED = 1
    MODEL_ONLY = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Estimates of one kind, a row a case.

    `value` is the estimate (NaN: unknown), `variance` that of the draws, `second` the same about
    zero instead of the mean; `model` is the index of the model that `MODEL_ONLY` rows depend on;
    `draws` is the number of drawn answers that corrected them.
    """

    value: Vector
    variance: Vector
    second: Vector
    basis: NDArray[np.int8]
    model: Places
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """A policy over all cases: nano-USD and quality 0..1; `goes_on` is the share of requests that
    would continue after their first step.
    """

    cost: Estimate
    quality: Estimate
    goes_on: float


def estimate(table: CaseTable, ways: Sequence[tuple[Step, ...]]) -> Estimated:
    """Estimate a policy with these steps, one trajectory a case."""
    rows = len(ways)
    nothing = Estimate(
        value=np.zeros(rows),
        variance=np.zeros(rows),
        second=np.zeros(rows),
        basis=np.zeros(rows, dtype=np.int8),
        model=np.full(rows, -1, dtype=np.intp),
        draws=0,
    )
    cost = quality = nothing
    chance = np.zeros(rows)
    plain_cost = plain_quality = np.zeros(rows)
    for step in reversed(levels_of(table, ways)):
        cost, plain_cost = _combined(step, step.cost, cost, plain_cost, ends_too=True)
        quality, plain_quality = _combined(step, step.score, quality, plain_quality, ends_too=False)
        chance = np.where(step.answered & (step.cost.chance >= 1), step.really, step.likely)
    goes_on = float(chance.mean()) if rows else 0.0
    return Estimated(cost=cost, quality=quality, goes_on=goes_on)


def _combined(
    step: TrajectoryStep, column: CaseColumn, rest: Estimate, plain_rest: Vector, *, ends_too: bool
) -> tuple[Estimate, Vector]:
    """Return this level's estimate combined with that of the rest, and its expectation. With
    `ends_too` continued cases include this level's value as well: for cost, not for quality.
    """
    stays = np.ones(len(step.likely)) if ends_too else 1 - step.likely
    stayed = np.ones(len(step.really)) if ends_too else 1 - step.really
    plain = _times(stays, column.expected) + _times(step.likely, plain_rest)
    corrected = _times(stayed, np.where(column.seen, column.value, column.expected))
    corrected = corrected + _times(step.really, rest.value)
    certain = step.answered & (column.chance >= 1)
    # Observed without a designed draw, or derived from another's cost: used unchanged.
    beside = step.answered & column.seen & (column.chance <= 0)
    designed = (column.chance > 0) & (column.chance < 1)
    hit = designed & step.answered & column.drawn & (column.seen | (stayed == 0))
    weight = np.where(hit, 1 / np.where(designed, column.chance, 1.0), 0.0)
    value = plain + np.where(hit, weight * (corrected - plain), 0.0)
    value = np.where(certain | beside, corrected, value)
    spread = _spread(step.model, corrected - plain, hit, weight, column)
    less = np.where(designed, 1 / np.where(designed, column.chance, 1.0), 0.0)
    own = np.where(designed, (less - 1) * spread, 0.0)
    through = np.where(certain | beside, step.really, weight * step.really) ** 2
    variance = own + through * rest.variance
    second = np.where(designed, less * spread, 0.0) + through * rest.second
    basis = np.where(
        certain | beside,
        np.where(column.seen | (stayed == 0), Basis.SEEN, Basis.MODEL_ONLY),
        np.where(designed, Basis.CORRECTED, Basis.MODEL_ONLY),
    )
    beyond = np.where(certain | beside, step.really > 0, step.likely > 0)
    basis = np.where(beyond, np.maximum(basis, rest.basis), basis)
    model = np.where(beyond & (rest.basis >= basis) & (rest.model >= 0), rest.model, step.model)
    basis = np.where(np.isnan(value), Basis.UNKNOWN, basis)
    there = step.there
    return Estimate(
        value=np.where(there, value, 0.0),
        variance=np.where(there, np.nan_to_num(variance), 0.0),
        second=np.where(there, np.nan_to_num(second), 0.0),
        basis=np.where(there, basis, Basis.SEEN).astype(np.int8),
        model=np.where(there, model, -1),
        draws=int(hit.sum()) + rest.draws,
    ), np.where(there, plain, 0.0)


def _times(share: Vector, value: Vector) -> Vector:
    """Return a share of a value; a zero share of an unknown value is 0."""
    found: Vector = np.where(share == 0, 0.0, share * value)
    return found


def _spread(model: Places, miss: Vector, hit: Flags, weight: Vector, column: CaseColumn) -> Vector:
    """Return the mean square error of expectations among the drawn answers of each case's model,
    shrunk towards the usual error. One additional answer, with the model's largest error,
    represents those not drawn so far.
    """
    found = column.spread.copy()
    drawn = hit & ~np.isnan(miss)
    for number in np.unique(model[model >= 0]):
        mine, same = drawn & (model == number), model == number
        count = float(mine.sum())
        square = float(weight[mine] @ miss[mine] ** 2) / max(float(weight[mine].sum()), 1.0)
        whole = count * square + LEAST_MISSES * column.spread[same] + column.farthest[same]
        found[same] = whole / (count + LEAST_MISSES + 1)
    return found
