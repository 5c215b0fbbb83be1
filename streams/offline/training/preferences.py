"""Classifiers as preferences for the strong model: a number for each row and, if stated, the
probability that the weak answer is good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from streams.offline.training.folds import Predictions
from streams.offline.training.labels import Labels, LabelsError
from streams.routing.assessment import HYBRID, LEARNED, RULES
from streams.routing.confidence.scorers import CHECKS, SCORERS, Answered
from streams.routing.features.request_features import Features, extract_features
from streams.routing.learned.domain import FAMILIAR
from streams.routing.policy import HybridPolicy, RetrievalPolicy
from streams.routing.rules.classifier import CLASSIFIERS

Floats = NDArray[np.float64]

LENGTH, RANDOM = "length", "random"
BOUNDARIES = (0.16, 0.5)
"""Boundaries of the local registry, near which `hybrid` is unsure."""

CLASSIFIER_NAMES = (*CLASSIFIERS, LENGTH, RANDOM, LEARNED, HYBRID)
CASCADE_NAMES = (*SCORERS, LEARNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """`wish` for the strong model by row; `stated` probability 0..1 that the weak answer is
    good.
    """

    wish: Floats
    stated: Floats | None


def prefer(name: str, labels: Labels, predictions: Predictions | None = None) -> Preference:
    """Return the preference of a classifier; `predictions` are those of the learned one: weak
    first, strong second.
    """
    if name in {LEARNED, HYBRID}:
        if predictions is None:
            raise LabelsError(f"{name}: needs an artifact or folds")
        weak, strong = predictions.expected[:, 0], predictions.expected[:, 1]
        wish = _shrunk(strong - weak, predictions.familiar, lambda: _untrained(labels))
        if name == HYBRID:
            return Preference(wish=_hybrid(_scores(RULES, labels), wish), stated=None)
        return Preference(wish=wish, stated=np.clip(weak, 0, 1))
    if name == LENGTH:
        return Preference(wish=_lengths(labels), stated=None)
    if name == RANDOM:
        return Preference(wish=np.zeros(len(labels)), stated=None)
    scores = _scores(name, labels)
    return Preference(wish=scores, stated=1 - scores)


def _hybrid(ruled: Floats, learned: Floats) -> Floats:
    """Return the rules' score; near a boundary the learned one instead, within the margin."""
    margin, ranks, wish = HybridPolicy().margin, _ranks(learned), ruled.copy()
    for boundary in BOUNDARIES:
        near = np.abs(ruled - boundary) <= margin
        wish[near] = boundary + margin * (2 * ranks[near] - 1)
    return wish


def _lengths(labels: Labels) -> Floats:
    return np.array([float(len(row.prompt)) for row in labels.rows])


def _scores(name: str, labels: Labels) -> Floats:
    rule, retrieval = CLASSIFIERS[name], RetrievalPolicy()
    return np.array([rule(_features(row.prompt), retrieval).score for row in labels.rows])


def _untrained(labels: Labels) -> Floats:
    """Return the preference without labels, by rank: a quarter rules, the rest length."""
    wish: Floats = (_ranks(_scores(RULES, labels)) + 3 * _ranks(_lengths(labels))) / 4
    return wish


def _shrunk(wish: Floats, familiar: Floats, untrained: Callable[[], Floats]) -> Floats:
    """Return a learned preference mixed by rank with an untrained one: in full from the familiarity
    at which a decision uses it, below in proportion.
    """
    share = np.minimum(familiar / FAMILIAR, 1.0)
    if (share >= 1).all():
        return wish
    shrunk: Floats = share * _ranks(wish) + (1 - share) * _ranks(untrained())
    return shrunk


def _ranks(values: Floats) -> Floats:
    """Return the ranks of the values, 0..1; equal ones share one."""
    ranks: Floats = rankdata(values) / max(len(values), 1)
    return ranks


def prefer_after(
    name: str, labels: Labels, weak: str, predictions: Predictions | None = None
) -> Preference:
    """Return the preference of a cascade after the weak answer.

    Raises:
        LabelsError: the rows have no answers, or `learned` did not get them.
    """
    if name == LEARNED:
        if predictions is None or predictions.answered is None or predictions.revised is None:
            raise LabelsError("a cascade needs rows with `answers` and their texts")
        wish = _shrunk(
            predictions.revised[:, 1] - predictions.answered,
            predictions.familiar,
            lambda: -_confidences(CHECKS, labels, weak),
        )
        return Preference(wish=wish, stated=np.clip(predictions.answered, 0, 1))
    if not all(weak in row.texts for row in labels.rows):
        raise LabelsError("a cascade needs rows with `answers` and their texts")
    found = _confidences(name, labels, weak)
    return Preference(wish=-found, stated=found)


def _confidences(name: str, labels: Labels, weak: str) -> Floats:
    scorer = SCORERS[name]
    return np.array(
        [
            scorer(
                Answered(
                    body=_body(row.prompt),
                    message={"role": "assistant", "content": row.texts[weak]},
                    finish_reason="stop",
                    logprobs=None,
                )
            ).confidence
            for row in labels.rows
        ]
    )


def _body(prompt: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": prompt}]}


def _features(prompt: str) -> Features:
    return extract_features(_body(prompt))
