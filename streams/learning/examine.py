"""A classifier by name, examined on a file: with a given artifact, or fitted in folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ArtifactError
from streams.learning.folds import Said, say, say_in_folds
from streams.learning.labels import Labels
from streams.learning.preferences import Preference, prefer, prefer_after
from streams.learning.seen import look_at
from streams.registry.artifacts import load_artifact
from streams.routing.assessment import LEARNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A classifier or a cascade by name; `learned` with the artifact to use, or none for folds."""

    name: str
    artifact: Path | None = None

    @classmethod
    def of(cls, text: str) -> Choice:
        """`name` or `learned:PATH`."""
        name, colon, path = text.partition(":")
        return cls(name=name, artifact=Path(path) if colon else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is examined: weak and strong model, the classifier, and the cascade after it, if any.

    A weak answer is good from `bar` (0..1) on; `most_labels` bounds the rows of each fit.
    """

    weak: str
    strong: str
    classifier: Choice
    cascade: Choice | None = None
    folds: int | None = None
    most_labels: int | None = None
    bar: float = 0.5
    seed: int = 0


def preference_of(
    wanted: Examination, labels: Labels, on_fold: Callable[[], None] = lambda: None
) -> Preference:
    """What is examined, as a preference over the rows.

    Raises:
        ArtifactError: a named artifact can't be used.
        LabelsError: the rows lack what is needed.
    """
    chosen = wanted.cascade or wanted.classifier
    said = _said(wanted, chosen, labels, on_fold) if chosen.name == LEARNED else None
    if wanted.cascade is not None:
        return prefer_after(chosen.name, labels, wanted.weak, said)
    return prefer(chosen.name, labels, said)


def _said(wanted: Examination, chosen: Choice, labels: Labels, on_fold: Callable[[], None]) -> Said:
    models = (wanted.weak, wanted.strong)
    shown = wanted.weak if wanted.cascade is not None else None
    if chosen.artifact is not None:
        seen = look_at(labels, answers_of=() if shown is None else (shown,))
        return say(load_artifact(chosen.artifact), seen, models, shown)
    if wanted.folds is None:
        raise ArtifactError(
            "learned: name an artifact (learned:FILE), or let it be fitted with --folds 5"
        )
    return say_in_folds(
        labels,
        models,
        shown,
        folds=wanted.folds,
        most_labels=wanted.most_labels,
        on_fold=on_fold,
    )
