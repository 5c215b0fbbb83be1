"""A training run: fit on four fifths, compare on the fifth held out, fit again on all.

The artifact that comes out was fitted on all labels; how good it is was measured on one that was
not shown the rows it was measured on. Where few of those rows score both models, there is no gap
to recover; then it counts how well each classifier tells good answers of the weak model from bad.
Whether it is better than what needs no training is decided on all rows, each judged by a model
that was fitted without it (`gate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from streams.offline.evaluation.calibration import auroc
from streams.offline.evaluation.curves import gain_curve
from streams.offline.training.fit import FitOptions, fit_artifact
from streams.offline.training.folds import draw, say, say_in_folds
from streams.offline.training.gate import Gain, apgr_of, auroc_of, gains_over
from streams.offline.training.labels import Labels, LabelsError
from streams.offline.training.preferences import LENGTH, RANDOM, Preference, prefer, prefer_after
from streams.offline.training.seen import look_at
from streams.routing.assessment import LEARNED
from streams.routing.learned.artifact import Artifact, pack_artifact, read_artifact

Floats = NDArray[np.float64]

HELD_OUT = 0.2
GATE_FOLDS = 5
CASCADE = "learned cascade"
APGR, AUROC = "apgr", "auroc"
LEAST_BOTH = 50
"""Rows held out that score both models, below which APGR says nothing, unless all rows do."""
GOOD = 0.5
"""An answer is good from this score on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """An artifact, how many rows it was fitted on, and how it did on `held_out` others: by
    classifier the `apgr`, or, where too few rows score both models, the `auroc` of telling good
    weak answers from bad; the other is empty. `gains` over what needs no training are those of
    all rows, cross-fitted.
    """

    artifact: Artifact
    labels: int
    held_out: int
    apgr: Mapping[str, float] = field(default_factory=dict)
    auroc: Mapping[str, float] = field(default_factory=dict)
    gains: tuple[Gain, ...] = ()

    @property
    def hash(self) -> str:
        """The artifact's."""
        return self.artifact.hash

    @property
    def is_better(self) -> bool:
        """Whether it surely beats what needs no training: length, rules, and a coin."""
        return bool(self.gains) and all(each.is_sure for each in self.gains)

    @property
    def compared_by(self) -> str:
        """Which comparison was made: `apgr` or `auroc`."""
        return APGR if self.apgr else AUROC

    @property
    def figures(self) -> Mapping[str, float]:
        """Those of the comparison that was made; 0.5 is a coin in both."""
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
    """Train on labels, of which `most_labels` at most are drawn.

    Raises:
        LabelsError: a model has too few labels, or the weak one's held out are all good or all bad.
        NoGapError: the strong model is no better than the weak one.
    """
    for model in (weak, strong):
        if model not in labels.models:
            raise LabelsError(
                f"no scores of {model}; there are those of {', '.join(labels.models)}"
            )
    chosen = draw(np.arange(len(labels)), most_labels, seed)
    seen = look_at(labels)
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
    fitted = fit_artifact(seen.take(chosen), about, options)
    artifact = replace(fitted, hash=read_artifact(pack_artifact(fitted)).hash)
    return Trained(
        artifact=artifact,
        labels=len(chosen),
        held_out=len(held),
        apgr=figures if compared_by == APGR else {},
        auroc=figures if compared_by == AUROC else {},
        gains=_gains(labels.take(chosen), weak, strong, compared_by, options),
    )


def _gains(
    labels: Labels, weak: str, strong: str, compared_by: str, options: FitOptions | None
) -> tuple[Gain, ...]:
    """What cross-fitted models gain over rules, length and a coin, on the rows that can tell."""
    folds = min(GATE_FOLDS, len(set(labels.prompts)))
    if folds < 2:
        return ()
    said = say_in_folds(labels, (weak, strong), None, folds=folds, options=options)
    rows = labels.scored_by(weak, strong) if compared_by == APGR else labels.scored_by(weak)
    told = labels.take(rows)
    view = replace(said, expected=said.expected[rows], familiar=said.familiar[rows])
    wishes = {name: prefer(name, told, view) for name in (LEARNED, "rules", LENGTH, RANDOM)}
    if compared_by == APGR:
        scores = told.column(weak), told.column(strong)
        figures = {name: apgr_of(*scores, each.wish) for name, each in wishes.items()}
    else:
        bad = (told.column(weak) < GOOD).astype(np.float64)
        figures = {name: auroc_of(bad, _doubt(each)) for name, each in wishes.items()}
    return gains_over(figures.pop(LEARNED), figures, len(told))


def _doubt(preference: Preference) -> Floats:
    return preference.wish if preference.stated is None else -preference.stated


def _comparison(
    labels: Labels, held: NDArray[np.intp], weak: str, strong: str
) -> tuple[str, NDArray[np.intp]]:
    """Which comparison the rows held out allow, and the rows that it is made on."""
    both = np.intersect1d(held, labels.scored_by(weak, strong))
    if len(both) >= min(LEAST_BOTH, len(held)):
        return APGR, both
    known = np.intersect1d(held, labels.scored_by(weak))
    if len(known) == 0:
        raise LabelsError(f"no row held out scores {weak}; bring more labels of it")
    return AUROC, known


def _compare(
    judged: Artifact, held: Labels, weak: str, strong: str, compared_by: str
) -> dict[str, float]:
    said = say(judged, look_at(held, answers_of=(weak,)), (weak, strong), weak)
    preferences = {name: prefer(name, held, said) for name in (LEARNED, "rules", LENGTH)}
    if said.answered is not None:
        preferences[CASCADE] = prefer_after(LEARNED, held, weak, said)
    if compared_by == APGR:
        scores = held.column(weak), held.column(strong)
        return {
            name: gain_curve(*scores, preference.wish).area
            for name, preference in preferences.items()
        }
    return {name: _told_apart(held, weak, preference) for name, preference in preferences.items()}


def _told_apart(held: Labels, weak: str, preference: Preference) -> float:
    """How well a preference tells the weak model's bad answers from its good ones."""
    found = auroc(_doubt(preference), (held.column(weak) < GOOD).astype(np.float64))
    if found is None:
        raise LabelsError(
            f"the answers of {weak} that were held out are all good, or all bad: nothing to tell "
            "apart; bring labels of both kinds"
        )
    return found
