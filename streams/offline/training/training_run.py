"""Training run: fit on four fifths, compare on the held-out fifth, fit again on all.

The resulting artifact is fitted on all labels; its quality is measured on one fitted without the
rows of the measurement. If few of those rows score both models, there is no gap to recover; the
comparison is then by how well each classifier separates good answers of the weak model from bad
ones. Whether it is better than untrained classifiers is decided on all rows, each predicted by a
model fitted without it (`gate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.calibration import auroc
from streams.offline.evaluation.curves import gain_curve
from streams.offline.training.fit import FitOptions, fit_artifact
from streams.offline.training.folds import draw, predict, predict_in_folds
from streams.offline.training.gate import Gain, apgr_of, auroc_of, gains_over
from streams.offline.training.label_features import LabelFeatures, label_features
from streams.offline.training.labels import Labels, LabelsError
from streams.offline.training.preferences import LENGTH, RANDOM, Preference, prefer, prefer_after
from streams.routing.assessment import LEARNED
from streams.routing.learned.artifact import Artifact, artifact_hash

Floats = NDArray[np.float64]

HELD_OUT = 0.2
GATE_FOLDS = 5
CASCADE = "learned cascade"
APGR, AUROC = "apgr", "auroc"
LEAST_PROMPTS = 10
"""Different prompts below which nothing can be held out and compared."""

LEAST_BOTH = 50
"""Held-out rows that score both models, below which APGR is not used, unless all rows do."""
GOOD = 0.5
"""Score from which an answer is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """An artifact, the number of rows it was fitted on, and its results on `held_out` others: by
    classifier the `apgr` or, if too few rows score both models, the `auroc` of good against bad
    weak answers; the other is empty. `gains` over untrained classifiers are those of all rows,
    cross-fitted.
    """

    artifact: Artifact
    labels: int
    held_out: int
    apgr: Mapping[str, float] = field(default_factory=dict)
    auroc: Mapping[str, float] = field(default_factory=dict)
    gains: tuple[Gain, ...] = ()

    @property
    def hash(self) -> str:
        """Return the artifact's hash."""
        return self.artifact.hash

    @property
    def is_better(self) -> bool:
        """Return whether it is significantly better than untrained ones: length, rules, and
        random.
        """
        return bool(self.gains) and all(each.is_sure for each in self.gains)

    @property
    def compared_by(self) -> str:
        """Return the comparison in use: `apgr` or `auroc`."""
        return APGR if self.apgr else AUROC

    @property
    def figures(self) -> Mapping[str, float]:
        """Return the figures of the comparison in use; 0.5 is random in both."""
        return self.apgr or self.auroc


def train(
    labels: Labels,
    weak: str,
    strong: str,
    *,
    most_labels: int | None = None,
    source: str = "",
    options: FitOptions | None = None,
    seed: int = 0,
) -> Trained:
    """Train on labels, of which at most `most_labels` are drawn.

    Raises:
        LabelsError: a model has too few labels, or the weak one's held out are all good or all bad.
        NoGapError: the strong model is no better than the weak one.
    """
    for model in (weak, strong):
        if model not in labels.models:
            raise LabelsError(f"no scores of {model}; scored models: {', '.join(labels.models)}")
    prompts = len(set(labels.prompts))
    if prompts < LEAST_PROMPTS:
        raise LabelsError(
            f"training needs at least {LEAST_PROMPTS} different prompts, and these labels have "
            f"{prompts}; a classifier passes its gate from about 400"
        )
    chosen = draw(np.arange(len(labels)), most_labels, seed)
    seen = label_features(labels)
    shuffled = np.random.default_rng(seed).permutation(chosen)
    held = np.sort(shuffled[: max(int(len(chosen) * HELD_OUT), 1)])
    rest = np.setdiff1d(chosen, held)
    judged = fit_artifact(seen.take(rest), None, options)
    compared_by, held = _comparison(labels, held, weak, strong)
    figures = _compare(judged, labels.take(held), weak, strong, compared_by)
    about = {
        "source": source,
        "labels": len(chosen),
        "weak": weak,
        "strong": strong,
        f"held_out_{compared_by}": {name: round(value, 4) for name, value in figures.items()},
    }
    del judged
    if len(chosen) < len(seen):
        seen = seen.take(chosen)
    # Before the last fit: each fit takes most of the memory of a run.
    gains = _gains(
        labels.take(chosen), replace(seen, answers={}), (weak, strong), compared_by, options
    )
    fitted = fit_artifact(seen, about, options)
    return Trained(
        artifact=replace(fitted, hash=artifact_hash(fitted)),
        labels=len(chosen),
        held_out=len(held),
        apgr=figures if compared_by == APGR else {},
        auroc=figures if compared_by == AUROC else {},
        gains=gains,
    )


def _gains(
    labels: Labels,
    features: LabelFeatures,
    models: tuple[str, str],
    compared_by: str,
    options: FitOptions | None,
) -> tuple[Gain, ...]:
    """Return the gains of cross-fitted models over rules, length and random, on the usable rows."""
    weak, strong = models
    folds = min(GATE_FOLDS, len(set(labels.prompts)))
    if folds < 2:
        return ()
    predictions = predict_in_folds(
        labels, models, None, folds=folds, features=features, options=options
    )
    rows = labels.scored_by(weak, strong) if compared_by == APGR else labels.scored_by(weak)
    held_rows = labels.take(rows)
    view = replace(
        predictions, expected=predictions.expected[rows], familiar=predictions.familiar[rows]
    )
    wishes = {name: prefer(name, held_rows, view) for name in (LEARNED, "rules", LENGTH, RANDOM)}
    if compared_by == APGR:
        scores = held_rows.column(weak), held_rows.column(strong)
        figures = {name: apgr_of(*scores, each.wish) for name, each in wishes.items()}
    else:
        bad = (held_rows.column(weak) < GOOD).astype(np.float64)
        figures = {name: auroc_of(bad, _doubt(each)) for name, each in wishes.items()}
    return gains_over(figures.pop(LEARNED), figures, len(held_rows))


def _doubt(preference: Preference) -> Floats:
    return preference.wish if preference.stated is None else -preference.stated


def _comparison(
    labels: Labels, held: NDArray[np.intp], weak: str, strong: str
) -> tuple[str, NDArray[np.intp]]:
    """Return the comparison that the held-out rows permit, and its rows."""
    both = np.intersect1d(held, labels.scored_by(weak, strong))
    if len(both) >= min(LEAST_BOTH, len(held)):
        return APGR, both
    known = np.intersect1d(held, labels.scored_by(weak))
    if len(known) == 0:
        raise LabelsError(f"no held-out row scores {weak}; add more labels of it")
    return AUROC, known


def _compare(
    judged: Artifact, held: Labels, weak: str, strong: str, compared_by: str
) -> dict[str, float]:
    predictions = predict(judged, label_features(held, answers_of=(weak,)), (weak, strong), weak)
    preferences = {name: prefer(name, held, predictions) for name in (LEARNED, "rules", LENGTH)}
    if predictions.answered is not None:
        preferences[CASCADE] = prefer_after(LEARNED, held, weak, predictions)
    if compared_by == APGR:
        scores = held.column(weak), held.column(strong)
        return {
            name: gain_curve(*scores, preference.wish).area
            for name, preference in preferences.items()
        }
    return {name: _separation(held, weak, preference) for name, preference in preferences.items()}


def _separation(held: Labels, weak: str, preference: Preference) -> float:
    """Return how well a preference separates the weak model's bad answers from its good ones."""
    found = auroc(_doubt(preference), (held.column(weak) < GOOD).astype(np.float64))
    if found is None:
        raise LabelsError(
            f"the held-out answers of {weak} are all good, or all bad: nothing to "
            "separate; add labels of both kinds"
        )
    return found
