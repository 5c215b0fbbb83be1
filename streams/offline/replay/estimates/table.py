"""Cases as columns: for each model the observed values, their probabilities, and expectations.

A model selected by a draw is `seen` with probability `chance`; one that answered without a draw has
chance 1; one that no draw could have selected has 0. Of an answer without a score only the cost is
seen. If some of the drawn answers have no score, chances of scores are lower by that share: labels
are assumed missing at random, as `unscored` reports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.curves import Vector
from streams.offline.replay.cases import Case
from streams.offline.replay.estimates.expectation import (
    FOLDS,
    Places,
    RegressionData,
    expected,
    standardised,
)

Flags = NDArray[np.bool_]
_GOOD = 0.5
_ENOUGH = 5
"""Minimum number of answers to estimate the error of expectations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseColumn:
    """A value of one model over all cases: observed (NaN elsewhere), its probability, and expected.

    `drawn` is set if a draw caused the answer. `size` is the effective number of answers behind the
    expectation, and `spread` its mean square error; without observations that of a coin, or of the
    whole cost. `farthest` is the largest of those squares.
    """

    value: Vector
    chance: Vector
    drawn: Flags
    expected: Vector
    size: Vector
    spread: Vector
    farthest: Vector

    @property
    def seen(self) -> Flags:
        """Return where the value is known."""
        known: Flags = ~np.isnan(self.value)
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumns:
    """Data of one model; `unscored` is the share of drawn answers without a score."""

    cost: CaseColumn
    score: CaseColumn
    confidence: Vector
    answered: Flags
    unscored: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """Columns of the cases, by model, and the input of expectations."""

    cases: Sequence[Case]
    ground: RegressionData
    models: dict[str, ModelColumns]


def table_of(cases: Sequence[Case]) -> CaseTable:
    """Return cases as columns, for every model that a case names."""
    names = dict.fromkeys(
        name
        for case in cases
        for name in (*case.seen, *case.chances, *(step.model for step in case.steps))
    )
    given = [case.given for case in cases]
    kinds = {model: place for place, model in enumerate(names)}
    cell = np.array(
        [
            -1
            if each is None or each[1].score is None
            else 2 * kinds[each[0]] + (each[1].score >= _GOOD)
            for each in given
        ],
        dtype=np.intp,
    )
    signs = np.array(
        [[case.difficulty, case.difficulty**2, np.log1p(case.tokens)] for case in cases],
        dtype=np.float64,
    ).reshape(len(cases), 3)
    fold = np.array([_fold(case.key) for case in cases], dtype=np.intp)
    ground = RegressionData(signs=standardised(signs), fold=fold, cell=cell)
    own = np.array([kinds.get(each[0], -1) if each else -1 for each in given], dtype=np.intp)
    return CaseTable(
        cases=cases,
        ground=ground,
        models={name: _columns(cases, name, ground, own == kinds[name]) for name in names},
    )


def _fold(key: str) -> int:
    return hashlib.blake2b(key.encode(), digest_size=2).digest()[0] % FOLDS


def _columns(cases: Sequence[Case], model: str, ground: RegressionData, own: Flags) -> ModelColumns:
    found = [case.seen.get(model) for case in cases]
    answered = np.array([each is not None for each in found], dtype=bool)
    drawn = np.array([each is not None and each.drawn for each in found], dtype=bool)
    chance = np.array(
        [
            1.0 if each is not None and not each.drawn else case.chances.get(model, 0.0)
            for case, each in zip(cases, found, strict=True)
        ],
        dtype=np.float64,
    )
    cost = _numbers([None if each is None else each.cost_nano for each in found])
    score = _numbers([None if each is None else each.score for each in found])
    guess = _numbers([case.guesses.get(model) for case in cases])
    possible = drawn & (chance > 0)
    unscored = float(np.isnan(score[possible]).mean()) if possible.any() else 0.0
    probability = chance * np.where(chance < 1, 1 - unscored, 1.0)
    return ModelColumns(
        cost=_column(cost, chance, drawn, ground=ground, own=own, guess=guess),
        score=_column(score, probability, drawn, ground=ground, own=own),
        confidence=_numbers([None if each is None else each.confidence for each in found]),
        answered=answered,
        unscored=unscored,
    )


def _numbers(values: Sequence[float | None]) -> Vector:
    return np.array([np.nan if each is None else float(each) for each in values], np.float64)


def weights_of(chance: Vector) -> Vector:
    """Return the number of cases that an observed one represents; 1 for one observed without a
    designed draw.
    """
    found: Vector = 1 / np.where(chance > 0, chance, 1.0)
    return found


def _column(
    value: Vector,
    chance: Vector,
    drawn: Flags,
    *,
    ground: RegressionData,
    own: Flags,
    guess: Vector | None = None,
) -> CaseColumn:
    rows: Places = np.flatnonzero(~np.isnan(value))
    weights = weights_of(chance[rows])
    cells = np.where(own[rows], -1, ground.cell[rows])
    level = expected(ground, rows, value[rows], weights, cells)
    # Exclude a row's own answer: it would leak the label.
    level = np.where(own, expected(_blind(ground), rows, value[rows], weights, cells), level)
    if guess is None:
        level = np.clip(level, 0.0, 1.0)
    else:
        level = np.maximum(np.where(np.isnan(level), guess, level), 0.0)
    whole = float(weights.sum())
    size = whole**2 / float((weights**2).sum()) if len(rows) else 0.0
    if len(rows) >= _ENOUGH:
        miss = (value[rows] - level[rows]) ** 2
        spread = np.full(len(value), float(weights @ miss) / whole)
        farthest = np.full(len(value), float(miss.max()))
    else:
        spread = farthest = np.full(len(value), 0.25) if guess is None else level**2
    return CaseColumn(
        value=value,
        chance=chance,
        drawn=drawn,
        expected=level,
        size=np.full(len(value), size),
        spread=spread,
        farthest=farthest,
    )


def _blind(ground: RegressionData) -> RegressionData:
    return RegressionData(
        signs=ground.signs, fold=ground.fold, cell=np.full(len(ground.cell), -1, dtype=np.intp)
    )
