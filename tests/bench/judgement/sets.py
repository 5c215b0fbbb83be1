"""Recorded sets: prompts of one task, and the scores of models on them.

A figure of one pair of models is noisy, so a set is measured over all pairs whose mean scores are
at least `LEAST_GAP` apart: APGR of the summed gains, which is the mean over pairs by their gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streams.offline.evaluation.curves import Ranking, Vector
from streams.offline.training.labels import ColumnMapping, Labels, read_labels
from tests.bench.figures import Figure

RECORDED, SCORED, PROMPTS = (
    "recorded_answers.jsonl.gz",
    "scored_prompts.jsonl.gz",
    "prompts.jsonl.gz",
)
LEAST_GAP = 0.08
_RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSet:
    """A set by its task, and the mean gain of the stronger model by row."""

    name: str
    labels: Labels
    gains: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedApgr:
    """APGR of a preference, and its difference from another on the same rows, with 95 % bounds."""

    value: float
    difference: float
    low: float
    high: float

    def figures(self, group: str, kind: str = "") -> list[Figure]:
        """The goal is that the difference may be zero: not significantly below."""
        return [
            area(group, f"APGR{kind}", self.value),
            area(group, f"more than length{kind}", self.difference),
            area(group, f"the same, at most (95 %){kind}", self.high, at_least=0.0),
        ]


def read_sets(folder: Path) -> list[RecordedSet]:
    """Return the sets of both files, by task."""
    found = []
    for name in (RECORDED, SCORED):
        labels = read_labels(folder / name, columns=ColumnMapping(group="task"))
        for task in dict.fromkeys(row.group for row in labels.rows):
            rows = labels.take([at for at, row in enumerate(labels.rows) if row.group == task])
            found.append(RecordedSet(name=str(task), labels=rows, gains=_gains(rows.scores)))
    return found


def area(group: str, name: str, value: float, at_least: float | None = None) -> Figure:
    """A figure in APGR."""
    return Figure(group=group, name=name, value=value, unit="", at_least=at_least)


def paired(gains: Vector, wish: Vector, other: Vector, seed: int = 0) -> PairedApgr:
    """Compare two preferences on the same rows and resamples."""
    nothing, rows = np.zeros(len(gains)), len(gains)
    ours, theirs = (Ranking.of(nothing, gains, each) for each in (wish, other))
    chance = np.random.default_rng(seed)
    drawn = []
    for _ in range(_RESAMPLES):
        counts = np.bincount(chance.integers(0, rows, rows), minlength=rows).astype(np.float64)
        drawn.append(ours.curve(counts).area - theirs.curve(counts).area)
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = ours.curve().area
    return PairedApgr(
        value=value, difference=value - theirs.curve().area, low=float(low), high=float(high)
    )


def _gains(scores: Vector) -> Vector:
    means = scores.mean(axis=0)
    total = np.zeros(len(scores))
    for weak, weak_mean in enumerate(means):
        for strong, strong_mean in enumerate(means):
            if strong_mean - weak_mean >= LEAST_GAP:
                total += scores[:, strong] - scores[:, weak]
    return total
