"""Fits an artifact to labels.

Two stages, stacked (Wolpert, 1992): ridge regressions over hashed n-grams, whose out-of-fold
predictions, together with the text's numeric features, are the input of extremely randomized trees
(Geurts et al., 2006). The answer model is fitted on the answers of all models at once: good answers
have common features across models, and this gives it several times as many rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from streams.offline.training.fit_domain import fit_domain
from streams.offline.training.gaps import count_known, fill, means_of, refuse_few
from streams.offline.training.label_features import LabelFeatures
from streams.offline.training.ngram_rows import NgramRows, weigh_rows
from streams.routing.learned.artifact import Artifact
from streams.routing.learned.forest import Forest
from streams.routing.learned.models import AnswerModel, PromptModel, TextLinear
from streams.routing.learned.ngrams import BUCKETS

Floats = NDArray[np.float64]

INNER_FOLDS = 4

_MOST_FOREST_BYTES = 20_000_000
"""Maximum size of a forest's arrays, unpacked. With more rows its leaves hold more of them: an
artifact must fit into a record of the registry topic.
"""

_MATH_THREADS = 1
"""Threads of the numeric libraries. Their steps here are small: a second thread spins for the
first, which took eight times the CPU on a machine with other load (measured).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """Options of a fit. Penalties are ridge's alpha, leaves the minimum rows of one.

    The defaults were chosen on cross-validated recorded answers, once, for all kinds of labels.
    """

    trees: int = 200
    leaf: int = 8
    share_of_features: float = 0.4
    penalty: float = 2.0
    answer_trees: int = 120
    answer_leaf: int = 15
    answer_share_of_features: float = 0.3
    answer_penalty: float = 4.0
    seed: int = 0
    jobs: int = 2


def fit_artifact(
    examples: LabelFeatures,
    about: Mapping[str, Any] | None = None,
    options: FitOptions | None = None,
) -> Artifact:
    """Fit an artifact for all models of the labels; with an answer model if the labels have
    answers.

    Raises:
        LabelsError: a model that was not scored everywhere has too few labels.
    """
    with threadpool_limits(limits=_MATH_THREADS):
        return _fitted(examples, about, options or FitOptions())


def _fitted(
    examples: LabelFeatures, about: Mapping[str, Any] | None, chosen: FitOptions
) -> Artifact:
    refuse_few(examples.scores, examples.models)
    weights = _weights(examples)
    complete = bool(np.isfinite(examples.scores).all())
    targets = _targets(examples, weights, chosen)
    text, linear = _fit_text(
        examples.ngrams, targets, np.arange(len(examples)), chosen.penalty, weights
    )
    rows = np.column_stack((examples.numbers, linear)).astype(np.float32)
    leaf = _leaf(chosen.leaf, chosen.trees, targets)
    trees = _trees(chosen.trees, leaf, chosen.share_of_features, chosen)
    forest = as_forest(trees.fit(rows, targets, sample_weight=weights))
    if not complete:
        forest = count_known(forest, trees, rows, examples.scores, weights)
    model = PromptModel(text=text, forest=forest)
    answer = _fit_answers(examples, rows, targets, weights, chosen) if examples.answers else None
    return Artifact(
        columns=examples.models,
        prompt=model,
        answer=answer,
        about=about or {},
        domain=fit_domain(examples.numbers, examples.ngrams, text.idf, chosen.seed),
    )


def _weights(examples: LabelFeatures) -> Floats | None:
    """Return the rows' weights, 1 in the mean; none if all are equal."""
    if (examples.weights == examples.weights[0]).all():
        return None
    weights: Floats = examples.weights / examples.weights.mean()
    return weights


def _targets(examples: LabelFeatures, weights: Floats | None, chosen: FitOptions) -> Floats:
    """Return scores by row and column, then their mean; missing ones are imputed from the text."""
    scores = examples.scores
    if not np.isfinite(scores).all():
        means = means_of(scores, weights)
        first = fill(scores, np.broadcast_to(means, scores.shape))
        _, guessed = _fit_text(
            examples.ngrams, first, np.arange(len(examples)), chosen.penalty, weights
        )
        scores = fill(scores, guessed)
    return np.column_stack((scores, scores.mean(axis=1)))


def _fit_answers(
    examples: LabelFeatures,
    rows: NDArray[np.float32],
    targets: Floats,
    weights: Floats | None,
    chosen: FitOptions,
) -> AnswerModel:
    expected = np.zeros_like(targets)
    leaf = _leaf(chosen.leaf, chosen.trees, targets)
    for inside, outside in _folds(np.arange(len(examples))):
        trees = _trees(chosen.trees // 2, leaf, chosen.share_of_features, chosen)
        trees.fit(rows[inside], targets[inside], sample_weight=_of(weights, inside))
        expected[outside] = trees.predict(rows[outside])
    scored_rows = [np.flatnonzero(known) for known in np.isfinite(examples.scores).T]
    ends = np.cumsum([0, *map(len, scored_rows)])
    places, models = np.concatenate(scored_rows), examples.models
    both = np.stack((targets[:, :-1], _others(targets[:, :-1])), axis=-1)
    scores = np.concatenate([both[at, column] for column, at in enumerate(scored_rows)])
    ngrams = NgramRows.joined(
        [
            examples.answers[model].ngrams.take(at)
            for model, at in zip(models, scored_rows, strict=True)
        ]
    )
    weighed = _of(weights, places)
    text, linear = _fit_text(ngrams, scores, places, chosen.answer_penalty, weighed)
    prior = means_of(examples.scores, weights)
    features = np.vstack(
        [
            np.column_stack(
                (
                    examples.answers[model].numbers[at],
                    examples.numbers[at],
                    linear[ends[column] : ends[column + 1]],
                    expected[at, -1],
                    expected[at, column],
                    np.full(len(at), prior[column]),
                )
            )
            for column, (model, at) in enumerate(zip(models, scored_rows, strict=True))
        ]
    ).astype(np.float32)
    leaf = _leaf(chosen.answer_leaf, chosen.answer_trees, scores)
    trees = _trees(chosen.answer_trees, leaf, chosen.answer_share_of_features, chosen)
    forest = as_forest(trees.fit(features, scores, sample_weight=weighed))
    return AnswerModel(text=text, forest=forest, prior=prior.astype(np.float32))


def _of(weights: Floats | None, places: NDArray[np.intp]) -> Floats | None:
    return None if weights is None else weights[places]


def _others(scores: Floats) -> Floats:
    """Return by row and column the mean score of all other columns; of a single column its own."""
    columns = scores.shape[1]
    if columns == 1:
        return scores
    others: Floats = (scores.sum(axis=1, keepdims=True) - scores) / (columns - 1)
    return others


def _fit_text(
    counted: NgramRows,
    targets: Floats,
    groups: NDArray[np.intp],
    penalty: float,
    weights: Floats | None,
) -> tuple[TextLinear, Floats]:
    """Fit the linear model; return it with the out-of-group predictions of every row."""
    matrix = counted.matrix()
    holding = np.bincount(matrix.indices, minlength=BUCKETS)
    idf = (np.log((1 + len(counted)) / (1 + holding)) + 1).astype(np.float32)
    matrix = weigh_rows(matrix, idf)
    examples = np.zeros_like(targets)
    for inside, outside in _folds(groups):
        ridge = _ridge(penalty).fit(matrix[inside], targets[inside], _of(weights, inside))
        examples[outside] = ridge.predict(matrix[outside]).reshape(len(outside), -1)
    ridge = _ridge(penalty).fit(matrix, targets, weights)
    return TextLinear(
        idf=idf,
        weights=np.ascontiguousarray(ridge.coef_.reshape(targets.shape[1], -1).T, np.float16),
        bias=np.atleast_1d(ridge.intercept_).astype(np.float32),
    ), examples


def _ridge(penalty: float) -> Ridge:
    return Ridge(penalty, solver="sparse_cg", tol=1e-3)


def _folds(groups: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    folds = min(INNER_FOLDS, len(np.unique(groups)))
    return iter(GroupKFold(folds).split(groups, groups=groups))


def _trees(count: int, leaf: int, share: float, chosen: FitOptions) -> ExtraTreesRegressor:
    return ExtraTreesRegressor(
        count,
        min_samples_leaf=leaf,
        max_features=share,
        random_state=chosen.seed,
        n_jobs=chosen.jobs,
    )


def _leaf(least: int, trees: int, targets: Floats) -> int:
    """Return the minimum rows of a leaf: `least`, or more to keep the forest's size."""
    rows, outputs = len(targets), targets.shape[1]
    node_bytes = 4 * (4 + outputs)
    leaves: int = _MOST_FOREST_BYTES // (2 * trees * node_bytes)
    return max(least, ceil(rows / leaves))


def as_forest(grown: ExtraTreesRegressor) -> Forest:
    """Return the grown trees as flat arrays; leaves point to themselves."""
    trees = [each.tree_ for each in grown.estimators_]
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    here = np.arange(starts[-1])
    left = np.concatenate(
        [tree.children_left + at for tree, at in zip(trees, starts, strict=False)]
    )
    right = np.concatenate(
        [tree.children_right + at for tree, at in zip(trees, starts, strict=False)]
    )
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    feature = np.concatenate([tree.feature for tree in trees])
    return Forest(
        roots=starts[:-1].astype(np.int32),
        feature=np.where(leaf, 0, feature).astype(np.int32),
        threshold=_not_above(np.where(leaf, 0, np.concatenate([t.threshold for t in trees]))),
        left=np.where(leaf, here, left).astype(np.int32),
        right=np.where(leaf, here, right).astype(np.int32),
        value=np.concatenate([tree.value[:, :, 0] for tree in trees]).astype(np.float32),
        depth=max(tree.max_depth for tree in trees),
    )


def _not_above(threshold: Floats) -> NDArray[np.float32]:
    """Return the greatest float32 not above each: features are float32, so comparisons agree."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
