"""Stated probabilities compared with observed outcomes, and bounds with their confidence level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.offline.evaluation.bounds import share_interval, threshold_by_bound, upper_bound
from streams.offline.evaluation.calibration import (
    auroc,
    expected_calibration_error,
    reliability,
)


def test_a_chance_that_is_kept_has_no_error() -> None:
    stated = np.repeat([0.25, 0.75], 4)
    good = np.array([1, 0, 0, 0, 1, 1, 1, 0], float)

    assert expected_calibration_error(stated, good) == pytest.approx(0.0)
    assert [(each.rows, each.observed) for each in reliability(stated, good)] == [
        (4, 0.25),
        (4, 0.75),
    ]


def test_overconfidence_is_the_distance_to_what_happened() -> None:
    assert expected_calibration_error(np.full(10, 0.95), np.zeros(10)) == pytest.approx(0.95)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_auroc_is_the_chance_that_good_scores_above_bad(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import roc_auc_score

    score = np.array([row[0] for row in rows], float)
    positive = np.array([row[1] for row in rows], float)
    found = auroc(score, positive)

    if positive.min() == positive.max():
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(positive, score))


def test_the_rule_of_three() -> None:
    assert upper_bound(0, 100) == pytest.approx(0.0295, abs=1e-3)
    assert share_interval(0, 0) == (0.0, 1.0)
    assert share_interval(5, 100) == pytest.approx((0.0164, 0.1128), abs=1e-3)


@given(st.integers(1, 200), st.data())
def test_an_interval_holds_its_share(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))
    low, high = share_interval(hits, rows)

    assert 0 <= low <= hits / rows <= high <= 1
    assert upper_bound(hits, rows) <= high + 1e-12


def test_the_threshold_keeps_complex_requests_off_the_first_tier() -> None:
    score = np.linspace(0, 1, 400)
    is_complex = score > 0.5
    found = threshold_by_bound(score, is_complex)

    assert found.bound <= 0.10
    assert found.threshold > 0.5
    assert found.complex_share == pytest.approx((score[is_complex] < found.threshold).mean())
    assert found.stays == pytest.approx((score < found.threshold).mean())


def test_too_few_complex_requests_give_no_threshold() -> None:
    found = threshold_by_bound(np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1.0]))

    assert found.threshold == -np.inf
    assert found.stays == 0.0


def test_the_bound_holds_at_its_confidence_level() -> None:
    chance = np.random.default_rng(7)
    kept = sum(upper_bound(int(chance.binomial(150, 0.08)), 150) >= 0.08 for _ in range(2_000))
    assert kept / 2_000 >= 0.94
