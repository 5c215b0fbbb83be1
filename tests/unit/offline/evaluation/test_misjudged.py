"""The rows shown first are those where a router was most firmly wrong."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.evaluation.misjudged import misjudged


def test_the_firmest_mistakes_come_first_and_right_decisions_not_at_all() -> None:
    weak = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    strong = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    wish = np.array([0.1, 0.2, 0.9, 0.8, 0.95, 0.05])

    found = misjudged(weak, strong, wish)
    assert found.kept_cheap.tolist() == [0, 1]
    assert found.sent_in_vain.tolist() == [3, 2]


def test_rank_is_the_share_of_lower_scores_with_ties_half() -> None:
    found = misjudged(np.zeros(4), np.ones(4), np.array([1.0, 2.0, 2.0, 3.0]))

    assert found.rank == pytest.approx([0.125, 0.5, 0.5, 0.875])


def test_at_most_the_given_number_is_shown() -> None:
    wish = np.arange(50.0)

    found = misjudged(np.zeros(50), np.ones(50), wish, most=3)
    assert found.kept_cheap.tolist() == [0, 1, 2]
    assert len(found.sent_in_vain) == 0


def test_a_constant_score_has_no_misjudged_rows() -> None:
    found = misjudged(np.zeros(4), np.ones(4), np.zeros(4))

    assert len(found.kept_cheap) == len(found.sent_in_vain) == 0
