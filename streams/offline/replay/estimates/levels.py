"""Levels of all requests' trajectories: at each the models' columns combined.

Invariant: a request has at most one draw. After a step that only a draw could observe, no other
draw applies, so later steps have a chance of 1 or 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from streams.offline.evaluation.curves import Vector
from streams.offline.replay.cases import Step
from streams.offline.replay.estimates.expectation import Places, expected
from streams.offline.replay.estimates.table import CaseColumn, CaseTable, Flags, weights_of


def levels_of(table: CaseTable, ways: Sequence[tuple[Step, ...]]) -> list[TrajectoryStep]:
    """Return every level of the trajectories, one a case."""
    found: list[TrajectoryStep] = []
    depth = max((len(way) for way in ways), default=0)
    hidden = np.zeros(len(ways), dtype=bool)
    for level in range(depth):
        step = TrajectoryStep.at(table, ways, level)
        found.append(
            replace(step, cost=_without(step.cost, hidden), score=_without(step.score, hidden))
        )
        hidden = hidden | ~(step.answered & (step.cost.chance >= 1))
    return found


def _without(column: CaseColumn, hidden: Flags) -> CaseColumn:
    drawn = hidden & (column.chance < 1)
    return replace(
        column,
        chance=np.where(drawn, 0.0, column.chance),
        value=np.where(drawn, np.nan, column.value),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryStep:
    """One level of every case's trajectory, its models' columns combined.

    `likely` and `really` are the probability of continuation: expected, and by the observed
    confidence.
    """

    there: Flags
    model: Places
    cost: CaseColumn
    score: CaseColumn
    answered: Flags
    likely: Vector
    really: Vector

    @classmethod
    def at(cls, table: CaseTable, ways: Sequence[tuple[Step, ...]], level: int) -> TrajectoryStep:
        """Return the level's columns."""
        names = list(table.models)
        place = {name: number for number, name in enumerate(names)}
        rows = len(ways)
        model = np.array(
            [place[way[level].model] if level < len(way) else -1 for way in ways], dtype=np.intp
        )
        below = np.array(
            [
                -np.inf if level >= len(way) or (mark := way[level].goes_on_below) is None else mark
                for way in ways
            ]
        )
        likely, really = np.zeros(rows), np.zeros(rows)
        answered = np.zeros(rows, dtype=bool)
        for number, name in enumerate(names):
            mine = model == number
            if not mine.any():
                continue
            columns = table.models[name]
            answered[mine] = columns.answered[mine]
            if not np.isfinite(below[mine]).any():
                continue
            chance = _continuation(table, columns.confidence, columns.cost, below, mine)
            likely[mine] = chance[mine]
            known = ~np.isnan(columns.confidence)
            fell = np.where(known, columns.confidence < below, chance)
            really[mine] = fell[mine]
        return cls(
            there=model >= 0,
            model=model,
            cost=_picked(table, model, "cost"),
            score=_picked(table, model, "score"),
            answered=answered,
            likely=likely,
            really=really,
        )


def _continuation(
    table: CaseTable, confidence: Vector, cost: CaseColumn, below: Vector, mine: Flags
) -> Vector:
    """Return the probability that this model's confidence is below each case's threshold."""
    known = np.flatnonzero(~np.isnan(confidence))
    usual = float(np.median(below[mine & np.isfinite(below)]))
    marks = np.where(np.isfinite(below[known]), below[known], usual)
    falls = (confidence[known] < marks).astype(np.float64)
    level = expected(
        table.ground,
        known,
        falls,
        weights_of(cost.chance[known]),
        np.full(len(known), -1, dtype=np.intp),
    )
    found: Vector = np.clip(np.nan_to_num(level, nan=0.0), 0.0, 1.0)
    return np.where(np.isfinite(below), found, 0.0)


def _picked(table: CaseTable, model: Places, what: str) -> CaseColumn:
    rows = len(model)
    value, level = np.full(rows, np.nan), np.full(rows, np.nan)
    chance, drawn = np.zeros(rows), np.zeros(rows, dtype=bool)
    size, spread, farthest = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for number, columns in enumerate(table.models.values()):
        mine = model == number
        column: CaseColumn = getattr(columns, what)
        value[mine], level[mine] = column.value[mine], column.expected[mine]
        chance[mine], drawn[mine] = column.chance[mine], column.drawn[mine]
        size[mine], spread[mine] = column.size[mine], column.spread[mine]
        farthest[mine] = column.farthest[mine]
    return CaseColumn(
        value=value,
        chance=chance,
        drawn=drawn,
        expected=level,
        size=size,
        spread=spread,
        farthest=farthest,
    )
