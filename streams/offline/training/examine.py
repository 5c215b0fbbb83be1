"""Examination of a classifier by name on a file: with a given artifact, or fitted in folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.errors import ArtifactError
from streams.offline.training.folds import Predictions, predict, predict_in_folds
from streams.offline.training.label_features import label_features
from streams.offline.training.labels import Labels
from streams.offline.training.preferences import Preference, prefer, prefer_after
from streams.registry.artifacts import load_artifact
from streams.registry.learned import DEFAULT, default_artifact
from streams.routing.assessment import HYBRID, LEARNED
from streams.routing.learned.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A classifier or a cascade by name; `learned` with the artifact to use, or none for folds."""

    name: str
    artifact: Path | None = None

    @classmethod
    def of(cls, text: str) -> Choice:
        """Parse `name`, `learned:PATH`, or `learned:default` for the bundled artifact."""
        name, colon, path = text.partition(":")
        return cls(name=name, artifact=Path(path) if colon else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Parameters of an examination: weak and strong model, the classifier, and its cascade, if any.

    `by_groups` leaves out each group of rows instead of folds. A weak answer is good from `bar`
    (0..1) on; `most_labels` limits the rows of each fit.
    """

    weak: str
    strong: str
    classifier: Choice
    cascade: Choice | None = None
    folds: int | None = None
    by_groups: bool = False
    most_labels: int | None = None
    bar: float = 0.5
    seed: int = 0


def preference_of(
    wanted: Examination, labels: Labels, on_fold: Callable[[], None] = lambda: None
) -> Preference:
    """Return the preference of the examined classifier over the rows.

    Raises:
        ArtifactError: a named artifact is unusable.
        LabelsError: the rows lack required data.
    """
    chosen = wanted.cascade or wanted.classifier
    asks = chosen.name in {LEARNED, HYBRID}
    predictions = _predictions(wanted, chosen, labels, on_fold) if asks else None
    if wanted.cascade is not None:
        return prefer_after(chosen.name, labels, wanted.weak, predictions)
    return prefer(chosen.name, labels, predictions)


def _predictions(
    wanted: Examination, chosen: Choice, labels: Labels, on_fold: Callable[[], None]
) -> Predictions:
    models = (wanted.weak, wanted.strong)
    shown = wanted.weak if wanted.cascade is not None else None
    if chosen.artifact is not None:
        seen = label_features(labels, answers_of=() if shown is None else (shown,))
        return predict(_artifact(chosen.artifact, models), seen, models, shown)
    if wanted.folds is None and not wanted.by_groups:
        raise ArtifactError("learned: name an artifact (learned:FILE), or fit one with --folds 5")
    return predict_in_folds(
        labels,
        models,
        shown,
        folds=None if wanted.by_groups else wanted.folds,
        most_labels=wanted.most_labels,
        on_fold=on_fold,
    )


def _artifact(named: Path, models: tuple[str, str]) -> Artifact:
    """Return the artifact of a file; or the bundled one for `default`, with its first and last tier
    as the two models.
    """
    if str(named) != DEFAULT:
        return load_artifact(named)
    shipped = default_artifact()
    weak, strong = models
    return replace(shipped, columns=(weak, *shipped.columns[1:-1], strong))
