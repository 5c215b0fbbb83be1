"""Every classifier as a preference for the strong model: a number for each row, and, where it
states one, the chance that the weak answer is good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.learning.folds import Said
from streams.learning.labels import Labels, LabelsError
from streams.routing.assessment import LEARNED
from streams.routing.features import Features, extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.classifier import CLASSIFIERS
from streams.routing.trust.confidence import SCORERS, Answered

Floats = NDArray[np.float64]

LENGTH, RANDOM = "length", "random"
CLASSIFIER_NAMES = (*CLASSIFIERS, LENGTH, RANDOM, LEARNED)
CASCADE_NAMES = (*SCORERS, LEARNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """`wish` for the strong model by row; `stated` chance 0..1 that the weak answer is good."""

    wish: Floats
    stated: Floats | None


def prefer(name: str, labels: Labels, said: Said | None = None) -> Preference:
    """What a classifier prefers; `said` is the learned one's view: weak first, strong second."""
    if name == LEARNED:
        if said is None:
            raise LabelsError("learned: an artifact or folds are needed")
        weak, strong = said.expected[:, 0], said.expected[:, 1]
        return Preference(wish=strong - weak, stated=np.clip(weak, 0, 1))
    if name == LENGTH:
        return Preference(
            wish=np.array([float(len(row.prompt)) for row in labels.rows]), stated=None
        )
    if name == RANDOM:
        return Preference(wish=np.zeros(len(labels)), stated=None)
    rule, retrieval = CLASSIFIERS[name], RetrievalPolicy()
    scores = np.array([rule(_features(row.prompt), retrieval).score for row in labels.rows])
    return Preference(wish=scores, stated=1 - scores)


def prefer_after(name: str, labels: Labels, weak: str, said: Said | None = None) -> Preference:
    """What a cascade prefers once it has seen the weak answer.

    Raises:
        LabelsError: the rows hold no answers, or `learned` was not shown them.
    """
    if name == LEARNED:
        if said is None or said.answered is None or said.revised is None:
            raise LabelsError("a cascade needs rows with `answers` and their texts")
        return Preference(
            wish=said.revised[:, 1] - said.answered, stated=np.clip(said.answered, 0, 1)
        )
    if not all(weak in row.texts for row in labels.rows):
        raise LabelsError("a cascade needs rows with `answers` and their texts")
    scorer = SCORERS[name]
    found = np.array(
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
    return Preference(wish=-found, stated=found)


def _body(prompt: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": prompt}]}


def _features(prompt: str) -> Features:
    return extract_features(_body(prompt))
