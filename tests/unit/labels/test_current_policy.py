"""A new artifact is compared with the current classifier on held-out rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.labels.current_policy import Baseline, held_out_rows, hold_against
from streams.offline.evaluation.curves import gain_curve
from streams.offline.training.preferences import prefer
from streams.offline.training.training_run import train
from streams.routing.snapshot import RegistrySnapshot
from tests.unit.offline.training.world import QUICK, artifact, labels
from tests.unit.routing.world import snapshot

LABELS = labels(200)
PAIR = ("small", "large")


def _ground(classifier: str = "rules", columns: dict[str, int] | None = None) -> RegistrySnapshot:
    found = snapshot(classifier=classifier)
    if columns is None:
        return found
    return replace(found, artifact=artifact(), columns=columns)


@pytest.mark.parametrize("most", [None, 120])
def test_the_rows_are_those_that_training_held_out(most: int | None) -> None:
    trained = train(LABELS, *PAIR, most_labels=most, options=QUICK)
    held = held_out_rows(LABELS, most)

    assert len(held) == trained.held_out
    scores = held.column("small"), held.column("large")
    for name in ("rules", "length"):
        assert gain_curve(*scores, prefer(name, held).wish).area == trained.apgr[name]


def test_the_current_classifier_is_compared_by_its_score() -> None:
    held = held_out_rows(LABELS, None)
    (found,) = hold_against(0.9, _ground("rules"), held, *PAIR)

    wish = prefer("rules", held).wish
    assert found.name == "current classifier rules"
    assert found.apgr == pytest.approx(
        gain_curve(held.column("small"), held.column("large"), wish).area, abs=1e-4
    )


def test_the_current_artifact_is_compared_by_its_columns_of_tier_or_model() -> None:
    held = held_out_rows(LABELS, None)
    known = _ground("rules", {"small": 0, "large": 1})
    swapped = _ground("rules", {"small": 1, "large": 0})

    right, _ = hold_against(0.9, known, held, *PAIR)
    wrong, _ = hold_against(0.9, swapped, held, *PAIR)
    assert right.name == f"current artifact {artifact().hash}"
    assert right.apgr is not None
    assert wrong.apgr is not None
    assert right.apgr > 0.6
    assert wrong.apgr == pytest.approx(1 - right.apgr)


def test_an_artifact_without_the_columns_is_not_compared() -> None:
    held = held_out_rows(LABELS, None)
    found, _ = hold_against(0.9, _ground("rules", {"simple": 0}), held, *PAIR)

    assert found.apgr is None
    assert found.why_not == "it has no column for small and large"
    assert found.is_beaten


def test_a_classifier_that_calls_a_model_is_not_compared() -> None:
    (found,) = hold_against(0.9, _ground("llm"), held_out_rows(LABELS, None), *PAIR)

    assert (found.apgr, found.why_not) == (None, "it calls a model")


def test_only_a_better_artifact_beats_it() -> None:
    assert Baseline(name="now", new=0.61, apgr=0.6).is_beaten
    assert not Baseline(name="now", new=0.6, apgr=0.6).is_beaten
