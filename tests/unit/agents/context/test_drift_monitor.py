"""A worker notices when traffic, or the confidence in answers, is no longer what it was."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.context.drift_monitor import (
    JUDGED,
    REFERENCE,
    WINDOW,
    DriftFinding,
    DriftMonitor,
)
from streams.observability.population_shift import BINS, bin_of, stability_index

CHANCE = random.Random(7)
EASY = [CHANCE.betavariate(2, 5) for _ in range(REFERENCE + 4 * WINDOW)]
HARD = [CHANCE.betavariate(5, 2) for _ in range(WINDOW)]
counts = st.lists(st.integers(0, 1_000), min_size=BINS, max_size=BINS).filter(any)


def findings(watch: DriftMonitor, scores: list[float], version: str = "v") -> list[DriftFinding]:
    found = (watch.decided(version, "rules", score) for score in scores)
    return [each for each in found if each is not None]


def test_unchanged_traffic_raises_no_alert() -> None:
    assert findings(DriftMonitor(), EASY) == []


def test_traffic_that_becomes_harder_is_noticed_after_one_window() -> None:
    watch = DriftMonitor()
    findings(watch, EASY[:REFERENCE])
    (found,) = findings(watch, HARD)

    assert (found.rule, found.subject) == ("input_shift", "v/rules")
    assert "sluice train" in found.message


def test_a_new_registry_version_resets_the_reference() -> None:
    watch = DriftMonitor()
    findings(watch, EASY[:REFERENCE])

    assert findings(watch, HARD, version="w") == []


def test_a_static_decision_is_not_monitored() -> None:
    assert DriftMonitor().decided("v", "static", None) is None


@given(counts, counts)
def test_the_index_is_zero_for_equal_shares_and_positive_else(
    one: list[int], other: list[int]
) -> None:
    assert stability_index(one, one) == 0
    assert stability_index(one, other) >= 0
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))


@given(st.floats(0, 1))
def test_every_score_has_a_bin(score: float) -> None:
    assert 0 <= bin_of(score) < BINS


def test_an_overconfident_model_raises_calibration_lost() -> None:
    watch = DriftMonitor()
    found = [watch.compared("m", 0.9, float(number % 2)) for number in range(JUDGED)]

    assert found[:-1] == [None] * (JUDGED - 1)
    assert found[-1] is not None
    assert (found[-1].rule, found[-1].subject) == ("calibration_lost", "m")


def test_a_calibrated_confidence_raises_no_alert() -> None:
    watch = DriftMonitor()

    assert not any(watch.compared("m", 0.5, float(number % 2)) for number in range(3 * JUDGED))


def test_feedback_counts_once_and_only_for_answers_that_were_given_here() -> None:
    watch = DriftMonitor()
    watch.replied(b"t/r", "m", 1.0)
    for _ in range(JUDGED):
        assert watch.fed_back(b"t/other", 0.0) is None
        assert watch.fed_back(b"t/r", 0.0) is None


def test_feedback_on_answers_of_this_worker_is_joined() -> None:
    watch = DriftMonitor()
    found = []
    for number in range(JUDGED):
        watch.replied(b"%d" % number, "m", 1.0)
        found.append(watch.fed_back(b"%d" % number, 0.2))

    assert found[-1] is not None
    assert found[-1].rule == "calibration_lost"
