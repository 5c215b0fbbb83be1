"""Boundaries achieve their target, or there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.offline.evaluation.choosing import Chosen, Scored, by_bound, by_cost, by_quality

CHANCE = np.random.default_rng(3)
SCORE = CHANCE.random(2_000)
ROWS = Scored(
    score=SCORE,
    weak=(CHANCE.random(2_000) > SCORE).astype(float),
    strong=(CHANCE.random(2_000) > 0.05).astype(float),
    weak_cost=1.0,
    strong_cost=10.0,
)


def kept_wrongly(found: Chosen) -> float:
    needs = (ROWS.weak < 0.5) & (ROWS.strong >= 0.5)
    assert found.boundary is not None
    return float((ROWS.score[needs] < found.boundary).mean())


def test_a_bound_holds_on_its_rows_with_room_for_chance() -> None:
    found = by_bound(ROWS, 0.5, 0.10)

    assert 0.05 < kept_wrongly(found) < 0.10
    assert 0.5 < found.strong_share < 0.9


def test_a_looser_bound_keeps_more_on_the_weak_tier() -> None:
    shares = [by_bound(ROWS, 0.5, at_most).strong_share for at_most in (0.05, 0.1, 0.3)]

    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("target", [0.6, 0.75, 0.85])
def test_a_quality_is_reached_with_confidence_and_the_fewest_strong_calls(target: float) -> None:
    found = by_quality(ROWS, target)

    assert found.quality_at_least >= target
    assert found.quality_at_least < target + 0.005


def test_an_unreachable_quality_has_no_boundary() -> None:
    found = by_quality(ROWS, 0.99)

    assert found.boundary is None
    assert found.strong_share == 1.0


@given(st.floats(1.0, 10.0))
def test_a_cost_is_kept_with_as_many_strong_calls_as_it_pays(target: float) -> None:
    found = by_cost(ROWS, target)

    assert found.cost is not None
    assert target - 0.01 < found.cost <= target


def test_a_cost_below_the_weak_tier_s_has_no_boundary() -> None:
    assert by_cost(ROWS, 0.5).boundary is None


def test_without_prices_no_cost_can_be_kept() -> None:
    bare = Scored(score=ROWS.score, weak=ROWS.weak, strong=ROWS.strong)

    assert by_cost(bare, 5.0).boundary is None


def test_a_cascade_pays_the_weak_call_every_time() -> None:
    cascade = Scored(
        score=ROWS.score, weak=ROWS.weak, strong=ROWS.strong, weak_cost=1.0, strong_cost=10.0,
        weak_always_paid=True,
    )  # fmt: skip

    assert by_cost(cascade, 6.0).strong_share < by_cost(ROWS, 6.0).strong_share
