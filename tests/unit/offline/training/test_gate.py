"""A published artifact is significantly better; random labels rarely pass."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.training.gate import Gain, Statistic, apgr_of, auroc_of, gains_over
from streams.offline.training.labels import labels_of
from streams.offline.training.training_run import train
from tests.unit.offline.training.world import QUICK, labels

ROWS = 150


def _world(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return (
        chance,
        (chance.random(ROWS) < 0.5).astype(float),
        (chance.random(ROWS) < 0.8).astype(float),
    )


def _passes(gains: tuple[Gain, ...]) -> bool:
    return all(each.is_sure for each in gains)


def test_random_preferences_pass_in_at_most_one_run_of_twenty() -> None:
    passed = 0
    for seed in range(60):
        chance, weak, strong = _world(seed)
        ours, length, rules = (apgr_of(weak, strong, chance.random(ROWS)) for _ in range(3))
        coin = apgr_of(weak, strong, np.zeros(ROWS))
        passed += _passes(
            gains_over(ours, {"length": length, "rules": rules, "random": coin}, ROWS)
        )
    assert passed <= 3


def test_a_real_gain_passes_by_both_figures() -> None:
    chance, weak, strong = _world(1)
    hint = strong - weak + chance.normal(0, 0.5, ROWS)
    coin = np.zeros(ROWS)
    sides: list[tuple[Statistic, Statistic]] = [
        (apgr_of(weak, strong, hint), apgr_of(weak, strong, coin)),
        (auroc_of(1 - weak, hint), auroc_of(1 - weak, coin)),
    ]
    for ours, baseline in sides:
        (gain,) = gains_over(ours, {"random": baseline}, ROWS)
        assert 0 < gain.at_least < gain.gain


def test_training_on_shuffled_scores_is_not_better_and_on_true_ones_it_is() -> None:
    true = labels(160)
    order = np.random.default_rng(5).permutation(len(true))
    mixed = labels_of(
        type(row)(prompt=row.prompt, scores=true.rows[place].scores, texts=row.texts)
        for row, place in zip(true.rows, order, strict=True)
    )

    assert not train(mixed, "small", "large", options=QUICK).is_better
    trained = train(true, "small", "large", options=QUICK)
    assert {each.over for each in trained.gains} == {"rules", "length", "random"}
    assert trained.gains[-1].is_sure


@pytest.mark.parametrize("at_least", [-0.1, 0.0])
def test_no_gain_is_sure_at_zero(at_least: float) -> None:
    assert not Gain(over="rules", gain=0.2, at_least=at_least).is_sure
