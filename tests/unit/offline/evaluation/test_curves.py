"""The curve is exact: it equals the count over every cut and every order of ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.offline.evaluation.bands import interval
from streams.offline.evaluation.curves import (
    NoGapError,
    Ranking,
    Vector,
    gain_curve,
    oracle_preference,
)

SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
SIX = [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 1.0)]


def _vectors(rows: list[tuple[float, float]]) -> tuple[Vector, Vector]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def _area_by_hand(weak: Vector, strong: Vector, preference: Vector) -> float:
    """Mean over every order that the preference allows, of the area by trapezoids."""
    gap = strong.mean() - weak.mean()
    areas = []
    for order in permutations(range(len(weak))):
        ranked = preference[list(order)]
        if any(np.diff(ranked) > 0):
            continue
        pgr = [0.0]
        chosen = weak.copy()
        for row in order:
            chosen[row] = strong[row]
            pgr.append((chosen.mean() - weak.mean()) / gap)
        areas.append(np.trapezoid(pgr, np.linspace(0, 1, len(weak) + 1)))
    return float(np.mean(areas))


@given(st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_the_area_is_the_expectation_over_every_order_of_ties(levels: list[int]) -> None:
    weak, strong = _vectors(SIX)
    preference = np.array(levels, dtype=float)

    area = gain_curve(weak, strong, preference).area
    assert area == pytest.approx(_area_by_hand(weak, strong, preference))


def test_a_constant_score_equals_random_routing() -> None:
    weak, strong = _vectors(SIX)
    curve = gain_curve(weak, strong, np.zeros(6))

    assert curve.area == pytest.approx(0.5)
    assert curve.share_for(0.8) == pytest.approx(0.8)
    assert np.interp(0.25, curve.shares, curve.pgr) == pytest.approx(0.25)


def test_the_oracle_is_best_and_its_opposite_worst() -> None:
    weak, strong = _vectors(SIX)
    best = oracle_preference(weak, strong)
    areas = [gain_curve(weak, strong, np.array(p, float)).area for p in permutations(range(6))]

    assert gain_curve(weak, strong, best).area >= max(areas) - 1e-12
    assert gain_curve(weak, strong, -best).area <= min(areas) + 1e-12


def test_the_share_for_a_gap_is_read_off_between_the_corners() -> None:
    weak, strong = _vectors([(0.0, 1.0), (0.0, 1.0), (1.0, 1.0), (1.0, 1.0)])
    curve = gain_curve(weak, strong, np.array([4.0, 3.0, 2.0, 1.0]))

    assert curve.share_for(0.5) == pytest.approx(0.25)
    assert curve.share_for(0.95) == pytest.approx(0.475)
    assert curve.share_for(1.0) == pytest.approx(0.5)


@given(
    st.lists(st.tuples(SCORES, SCORES), min_size=2, max_size=30),
    st.integers(0, 2**32 - 1),
)
def test_weights_count_rows_as_copies_would(rows: list[tuple[float, float]], seed: int) -> None:
    weak, strong = _vectors(rows)
    chance = np.random.default_rng(seed)
    preference = chance.integers(0, 4, len(rows)).astype(float)
    counts = chance.integers(0, 3, len(rows))
    copied = np.repeat(np.arange(len(rows)), counts)
    try:
        expected = (
            gain_curve(weak[copied], strong[copied], preference[copied]) if counts.any() else None
        )
    except NoGapError:
        expected = None
    ranking = Ranking.of(weak, strong, preference)

    if expected is None:
        with pytest.raises(NoGapError):
            ranking.curve(counts.astype(float))
    else:
        assert ranking.curve(counts.astype(float)).area == pytest.approx(expected.area)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    weak, strong = _vectors([(1.0, 0.0), (1.0, 1.0)])
    with pytest.raises(NoGapError, match="swap them"):
        gain_curve(weak, strong, np.array([1.0, 2.0]))


def test_an_interval_holds_its_value_and_is_the_same_for_the_same_seed() -> None:
    chance = np.random.default_rng(1)
    weak, strong = chance.integers(0, 2, 200).astype(float), np.ones(200)
    ranking = Ranking.of(weak, strong, chance.random(200))

    found = interval(lambda counts: ranking.curve(counts).area, 200, resamples=200)
    again = interval(lambda counts: ranking.curve(counts).area, 200, resamples=200)
    assert found == again
    assert found.low < found.value < found.high
    assert found.high - found.low < 0.3
