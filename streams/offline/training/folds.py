"""Predictions for labelled rows: by a given artifact for all, or by one fitted without each
fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from streams.offline.training.fit import FitOptions, fit_artifact
from streams.offline.training.label_features import LabelFeatures, label_features
from streams.offline.training.labels import Labels, LabelsError
from streams.routing.learned.artifact import Artifact
from streams.routing.learned.models import revise

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """By row: expected score of each model's answer and, if answers were shown, of the weak model's
    answer, with the revised expectation of each model. `familiar` (0..1) is the similarity of each
    prompt to the training data.
    """

    models: tuple[str, ...]
    expected: Floats
    answered: Floats | None
    revised: Floats | None
    familiar: Floats


def predict(
    artifact: Artifact, examples: LabelFeatures, models: Sequence[str], shown: str | None
) -> Predictions:
    """Predict every row by an artifact; `shown` is the model whose answer it may use.

    Raises:
        ArtifactError: it has no column of one of the models.
    """
    columns = [artifact.column(model) for model in models]
    found = np.array(
        [
            artifact.prompt.judge(numbers, ngrams)
            for numbers, ngrams in zip(examples.numbers, examples.ngrams, strict=True)
        ]
    )
    answered = revised = None
    if shown is not None and artifact.answer is not None and shown in examples.answers:
        answers, column = examples.answers[shown], artifact.column(shown)
        numbers = np.column_stack((answers.numbers, examples.numbers))
        judged = np.array(
            [
                artifact.answer.judge(numbers[place], answers.ngrams[place], expected, column)
                for place, expected in enumerate(found)
            ]
        )
        answered = judged[:, 0]
        revised = np.array(
            [
                revise(expected, column, others)[columns]
                for expected, others in zip(found, judged[:, 1], strict=True)
            ]
        )
    return Predictions(
        models=tuple(models),
        expected=found[:, columns],
        answered=answered,
        revised=revised,
        familiar=np.array(
            [
                artifact.familiarity(numbers, ngrams)
                for numbers, ngrams in zip(examples.numbers, examples.ngrams, strict=True)
            ]
        ),
    )


def predict_in_folds(
    labels: Labels,
    models: Sequence[str],
    shown: str | None,
    *,
    folds: int | None,
    features: LabelFeatures | None = None,
    most_labels: int | None = None,
    options: FitOptions | None = None,
    on_fold: Callable[[], None] = lambda: None,
) -> Predictions:
    """Predict rows by artifacts that were not fitted on them; equal prompts share a fold. Without a
    number of folds each group of rows is one.

    At most `most_labels` rows are drawn for each fit, by a fixed seed. `features` are those of the
    labels, if they are extracted already.

    Raises:
        LabelsError: there are fewer different prompts than folds, or fewer than two groups.
    """
    split = splits(labels, folds)
    examples = features
    if examples is None:
        examples = label_features(labels, answers_of=None if shown is not None else ())
    expected = np.zeros((len(labels), len(models)))
    answered: Floats | None = None
    revised, familiar = np.zeros_like(expected), np.ones(len(labels))
    for inside, outside in split:
        artifact = fit_artifact(examples.take(draw(inside, most_labels)), None, options)
        predictions = predict(artifact, examples.take(outside), models, shown)
        expected[outside], familiar[outside] = predictions.expected, predictions.familiar
        if predictions.answered is not None and predictions.revised is not None:
            answered = np.zeros(len(labels)) if answered is None else answered
            answered[outside] = predictions.answered
            revised[outside] = predictions.revised
        on_fold()
    return Predictions(
        models=tuple(models),
        expected=expected,
        answered=answered,
        revised=None if answered is None else revised,
        familiar=familiar,
    )


def splits(labels: Labels, folds: int | None) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the indexes to fit on and those to predict, for each fold."""
    if folds is None:
        named = np.array([row.group or "" for row in labels.rows])
        known = np.unique(named)
        if len(known) < 2:
            raise LabelsError("leaving groups out needs rows of at least two groups")
        return [(np.flatnonzero(named != each), np.flatnonzero(named == each)) for each in known]
    # An array of the texts would have the longest one's length in every row.
    numbers = {prompt: number for number, prompt in enumerate(sorted(set(labels.prompts)))}
    groups = np.array([numbers[prompt] for prompt in labels.prompts])
    if len(numbers) < folds:
        raise LabelsError(f"{folds} folds need at least {folds} different prompts")
    return list(GroupKFold(folds, shuffle=True, random_state=0).split(groups, groups=groups))


def draw(places: NDArray[np.intp], most: int | None, seed: int = 0) -> NDArray[np.intp]:
    """Draw at most `most` of the indexes at random by a fixed seed, in their order."""
    if most is None or most >= len(places):
        return places
    return np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
