"""The learned classifier in folds and with whole groups left out, and the gate on random labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from schemas.errors import SluiceError
from streams.offline.evaluation.curves import gain_curve
from streams.offline.training.examine import Choice, Examination, preference_of
from streams.offline.training.labels import ColumnMapping, Labels, labels_of, read_labels
from streams.offline.training.preferences import LENGTH, prefer
from streams.offline.training.training_run import train
from tests.bench.figures import Figure
from tests.bench.judgement.sets import RECORDED, SCORED, area, paired

PAIRS = (
    (RECORDED, "gpt-4o-mini-2024-07-18", "o1-mini-2024-09-12"),
    (SCORED, "mistral-7b-instruct-v0.3", "llama-3.1-nemotron-51b-instruct"),
    (SCORED, "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
)
FOLDS = 5
RUNS, ROWS = 100, 200


def measure_learned(folder: Path) -> list[Figure]:
    """APGR in folds, and with each task left out, against length on the same rows."""
    figures = []
    for file, weak, strong in PAIRS:
        labels = read_labels(folder / file, (weak, strong), ColumnMapping(group="task"))
        gains = labels.column(strong) - labels.column(weak)
        length = prefer(LENGTH, labels).wish
        name = f"learned, {weak} to {strong}"
        for kind, by_groups in (("folds", False), ("tasks left out", True)):
            wish = preference_of(_examination(weak, strong, by_groups=by_groups), labels).wish
            found = paired(gains, wish, length)
            figures += found.figures(name, f", {kind}")
    file, weak, strong = PAIRS[0]
    labels = read_labels(folder / file, (weak, strong))
    wish = preference_of(_examination(weak, strong, cascade=True), labels).wish
    recovered = gain_curve(labels.column(weak), labels.column(strong), wish).area
    return [*figures, area(f"learned cascade, {weak} to {strong}", "APGR, folds", recovered)]


def measure_gate(folder: Path) -> list[Figure]:
    """Runs of training on shuffled scores that pass the gate."""
    file, weak, strong = PAIRS[0]
    labels = _without_texts(read_labels(folder / file, (weak, strong)), (weak, strong))
    passed = without_gap = 0
    for seed in range(RUNS):
        try:
            passed += train(_shuffled(labels, seed), weak, strong, seed=seed).is_better
        except SluiceError:
            without_gap += 1
    return [
        Figure(group="gate", name="shuffled runs that pass", value=passed, unit="", at_most=5),
        Figure(group="gate", name="shuffled runs", value=RUNS - without_gap, unit=""),
    ]


def _examination(
    weak: str, strong: str, *, by_groups: bool = False, cascade: bool = False
) -> Examination:
    return Examination(
        weak=weak,
        strong=strong,
        classifier=Choice.of("learned"),
        cascade=Choice.of("learned") if cascade else None,
        folds=None if by_groups else FOLDS,
        by_groups=by_groups,
    )


def _without_texts(labels: Labels, models: tuple[str, str]) -> Labels:
    return labels_of(
        replace(row, texts={}, scores={model: row.scores[model] for model in models})
        for row in labels.rows
    )


def _shuffled(labels: Labels, seed: int) -> Labels:
    chance = np.random.default_rng(seed)
    rows = labels.take(chance.choice(len(labels), ROWS, replace=False)).rows
    order = chance.permutation(ROWS)
    return labels_of(
        replace(row, scores=rows[at].scores) for row, at in zip(rows, order, strict=True)
    )
