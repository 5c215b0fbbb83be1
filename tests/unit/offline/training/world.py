"""A small set of labels in which hard prompts are recognizable by their words."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from streams.offline.training.fit import FitOptions, fit_artifact
from streams.offline.training.label_features import label_features
from streams.offline.training.labels import Labelled, Labels, labels_of
from streams.routing.learned.artifact import Artifact, pack_artifact, read_artifact

QUICK = FitOptions(trees=12, answer_trees=12, jobs=1)
EASY = ("What time does the shop open on {}?", "Translate 'good {}' into French.", "Is {} a fruit?")
HARD = (
    "Prove that the sum of {} primes diverges.",
    "Derive the complexity of the {} algorithm.",
    "Design a lock-free {} and prove that it is linearizable.",
)


def labels(rows: int = 240, seed: int = 0) -> Labels:
    """Prompts half easy, half hard; `small` fails the hard ones, `large` rarely any, and a failed
    answer expresses doubt.
    """
    chance = np.random.default_rng(seed)
    made = []
    for number in range(rows):
        hard = bool(chance.integers(2))
        pattern = (HARD if hard else EASY)[chance.integers(3)]
        scores = {
            "small": float(chance.random() > (0.85 if hard else 0.1)),
            "large": float(chance.random() > (0.15 if hard else 0.05)),
        }
        texts = {
            model: f"The answer is {number}." if score else f"I am not sure, perhaps {number}"
            for model, score in scores.items()
        }
        made.append(Labelled(prompt=pattern.format(f"w{number}"), scores=scores, texts=texts))
    return labels_of(made)


def train_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands grow few trees, for tests in which the model's quality is irrelevant."""
    monkeypatch.setattr("streams.offline.training.fit.FitOptions", lambda: QUICK)


@cache
def packed() -> bytes:
    """The bytes of an artifact of this world."""
    return pack_artifact(fit_artifact(label_features(labels()), {"note": "test"}, QUICK))


@cache
def artifact() -> Artifact:
    """The artifact of this world."""
    return read_artifact(packed())
