"""Comparison of a new artifact with the current policy on the held-out rows.

The current policy may have been trained on those rows, which favours it; a new artifact that beats
it is better. It gets only the prompts' text, since labels have nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from streams.offline.evaluation.curves import Vector, gain_curve
from streams.offline.training.folds import draw, predict
from streams.offline.training.label_features import label_features
from streams.offline.training.labels import Labels
from streams.offline.training.training_run import HELD_OUT
from streams.routing.assessment import assess, needs_llm_classification
from streams.routing.features.request_features import Features, extract_features
from streams.routing.learned.artifact import Artifact
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The current policy: its `apgr` on the held-out rows and the `new` one's; or the reason why it
    could not be compared.
    """

    name: str
    new: float
    apgr: float | None = None
    why_not: str | None = None

    @property
    def is_beaten(self) -> bool:
        """Return whether the new one is better; a policy that could not be compared counts as
        beaten.
        """
        return self.apgr is None or self.new > self.apgr

    def as_document(self) -> dict[str, Any]:
        """Return the document of `sluice train --json`."""
        return {"name": self.name, "apgr": self.apgr, "why_not": self.why_not}


def held_out_rows(labels: Labels, most_labels: int | None, seed: int = 0) -> Labels:
    """Return the rows that `streams.offline.training.training_run.train` holds out of
    these labels.
    """
    chosen = draw(np.arange(len(labels)), most_labels, seed)
    shuffled = np.random.default_rng(seed).permutation(chosen)
    return labels.take(np.sort(shuffled[: max(int(len(chosen) * HELD_OUT), 1)]))


def hold_against(
    new: float, snapshot: RegistrySnapshot, held: Labels, weak: str, strong: str
) -> tuple[Baseline, ...]:
    """Compare the current artifact and the current classifier on these rows; `new` is the APGR of
    the artifact trained without them.

    Raises:
        NoGapError: the strong one is no better than the weak one on these rows.
    """
    scores = held.column(weak), held.column(strong)
    return tuple(
        Baseline(name=name, new=new, why_not=wish)
        if isinstance(wish, str)
        else Baseline(name=name, new=new, apgr=gain_curve(*scores, wish).area)
        for name, wish in _preferences(snapshot, held, weak, strong)
    )


def _preferences(
    snapshot: RegistrySnapshot, held: Labels, weak: str, strong: str
) -> Iterator[tuple[str, Vector | str]]:
    """Yield by name the preference for the strong model, or the reason why there is none."""
    if snapshot.artifact is not None:
        name = f"current artifact {snapshot.artifact.hash}"
        unknown = [each for each in (weak, strong) if each not in snapshot.columns]
        if unknown:
            yield name, f"it has no column for {' and '.join(unknown)}"
        else:
            yield name, _by_artifact(snapshot.artifact, snapshot, held, weak, strong)
    name = f"current classifier {snapshot.policy.classifier}"
    seen = [_features(prompt, snapshot) for prompt in held.prompts]
    if any(needs_llm_classification(each, snapshot) for each in seen):
        yield name, "it calls a model"
    else:
        yield name, np.array([assess(each, snapshot, {}).score for each in seen], np.float64)


def _by_artifact(
    artifact: Artifact, snapshot: RegistrySnapshot, held: Labels, weak: str, strong: str
) -> Vector:
    seen = label_features(held, answers_of=())
    columns = snapshot.columns[weak], snapshot.columns[strong]
    found = predict(artifact, seen, [artifact.columns[each] for each in columns], None)
    wish: Vector = found.expected[:, 1] - found.expected[:, 0]
    return wish


def _features(prompt: str, snapshot: RegistrySnapshot) -> Features:
    body = {"messages": [{"role": "user", "content": prompt}]}
    return extract_features(body, quality=snapshot.policy.quality_for(None))
