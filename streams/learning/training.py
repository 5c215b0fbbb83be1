"""A training run: fit on four fifths, compare on the fifth held out, fit again on all.

The artifact that comes out was fitted on all labels; how good it is was measured on one that was
not shown the rows it was measured on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from streams.evaluation.curves import gain_curve
from streams.learning.fit import FitOptions, fit_artifact
from streams.learning.folds import draw, say
from streams.learning.labels import Labels
from streams.learning.preferences import LENGTH, prefer, prefer_after
from streams.learning.seen import look_at
from streams.routing.assessment import LEARNED
from streams.routing.learned.artifact import Artifact, pack_artifact, read_artifact

HELD_OUT = 0.2
CASCADE = "learned cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """An artifact, how many labels it was fitted on, and APGR by classifier on rows held out."""

    artifact: Artifact
    labels: int
    held_out: int
    apgr: dict[str, float]

    @property
    def hash(self) -> str:
        """The artifact's."""
        return self.artifact.hash

    @property
    def is_better(self) -> bool:
        """Whether it beats what needs no training: length, rules, and a coin."""
        others = (self.apgr[LENGTH], self.apgr["rules"], 0.5)
        return self.apgr[LEARNED] > max(others)


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
        LabelsError: a model is not scored in every row.
        NoGapError: the strong model is no better than the weak one.
    """
    for model in (weak, strong):
        labels.column(model)
    chosen = draw(np.arange(len(labels)), most_labels, seed)
    seen = look_at(labels)
    shuffled = np.random.default_rng(seed).permutation(chosen)
    held = np.sort(shuffled[: max(int(len(chosen) * HELD_OUT), 1)])
    rest = np.setdiff1d(chosen, held)
    judged = fit_artifact(seen.take(rest), None, options)
    apgr = _compare(judged, labels.take(held), weak, strong)
    about = {
        "source": source,
        "labels": len(chosen),
        "weak": weak,
        "strong": strong,
        "held_out_apgr": {name: round(value, 4) for name, value in apgr.items()},
    }
    fitted = fit_artifact(seen.take(chosen), about, options)
    artifact = replace(fitted, hash=read_artifact(pack_artifact(fitted)).hash)
    return Trained(artifact=artifact, labels=len(chosen), held_out=len(held), apgr=apgr)


def _compare(judged: Artifact, held: Labels, weak: str, strong: str) -> dict[str, float]:
    scores = held.column(weak), held.column(strong)
    said = say(judged, look_at(held, answers_of=(weak,)), (weak, strong), weak)
    wishes = {name: prefer(name, held, said).wish for name in (LEARNED, "rules", LENGTH)}
    if said.answered is not None:
        wishes[CASCADE] = prefer_after(LEARNED, held, weak, said).wish
    return {name: gain_curve(*scores, wish).area for name, wish in wishes.items()}
