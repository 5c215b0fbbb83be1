"""What a policy would have cost, and how good it would have been, request by request.

From the last step of a request's way to the first, sequentially doubly robust (Dudik, Langford and
Li, ICML 2011; over several steps Jiang and Li, ICML 2016):

    worth = expected + seen / chance * (told - expected)
    told = (1 - goes on) * value + goes on * worth of the rest

Where the answer was there without any chance (chance 1) that is what was seen; where a draw of
designed probability could have asked for it, what the drawn ones miss corrects all of them, so the
mean is right however wrong expectations are; where nothing could have asked for it (chance 0), the
expectation stands, and says so. The variance is that of the draws, by the misses of the same model,
`(1 / chance - 1) * spread` a request; of expectations that nothing corrects it is what it would be
if the answers behind them had been picked by accident: how they were really picked is not in it.
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
"""Misses among a policy's own cases that count as much as those of the model as a whole."""


class Basis(IntEnum):
    """What a request's figure rests on, the weakest of its steps."""

    SEEN = 0
    CORRECTED = 1
    MODEL_ONLY = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Figures of one kind, a row a case.

    `value` is the estimate (NaN: unknown), `variance` that of the draws, `second` the same about
    zero instead of the mean; `model` is the place of the model that `MODEL_ONLY` rows rest on;
    `draws` is how many drawn answers corrected them.
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
    would go beyond their first step.
    """

    cost: Estimate
    quality: Estimate
    goes_on: float


def estimate(table: CaseTable, ways: Sequence[tuple[Step, ...]]) -> Estimated:
    """Estimate a policy that asks these steps, a way a case."""
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
    """This level's worth over that of the rest, and its expectation; `ends_too`: what goes on has
    this level's value as well, as money has and quality has not.
    """
    stays = np.ones(len(step.likely)) if ends_too else 1 - step.likely
    stayed = np.ones(len(step.really)) if ends_too else 1 - step.really
    plain = _times(stays, column.expected) + _times(step.likely, plain_rest)
    told = _times(stayed, np.where(column.seen, column.value, column.expected))
    told = told + _times(step.really, rest.value)
    certain = step.answered & (column.chance >= 1)
    # Seen by a draw that nobody designed, or told from another's cost: taken as it is.
    beside = step.answered & column.seen & (column.chance <= 0)
    designed = (column.chance > 0) & (column.chance < 1)
    hit = designed & step.answered & column.drawn & (column.seen | (stayed == 0))
    weight = np.where(hit, 1 / np.where(designed, column.chance, 1.0), 0.0)
    value = plain + np.where(hit, weight * (told - plain), 0.0)
    value = np.where(certain | beside, told, value)
    spread = _spread(step.model, told - plain, hit, weight, column)
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
    """A share of a value; no share of what is unknown is nothing."""
    found: Vector = np.where(share == 0, 0.0, share * value)
    return found


def _spread(model: Places, miss: Vector, hit: Flags, weight: Vector, column: CaseColumn) -> Vector:
    """The mean square of what expectations miss among the drawn answers of each case's model,
    drawn towards what they usually miss; and one more answer, as far off as the farthest that the
    model ever gave, stands for those that no draw has shown yet.
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
