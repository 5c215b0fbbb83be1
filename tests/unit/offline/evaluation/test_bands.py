"""Bands, operating points and comparisons agree with the exact curve they are drawn around."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.evaluation.bands import quality_at, quality_band
from streams.offline.evaluation.curves import NoGapError, Ranking, Vector, gain_curve
from streams.offline.evaluation.operating import area_over, mix_cost, operating_points

SHARES = np.linspace(0, 1, 11)


def _rows(many: int = 300, seed: int = 3) -> tuple[Vector, Vector, Vector]:
    """Weak and strong scores, and a preference correlated with the gain."""
    chance = np.random.default_rng(seed)
    weak = chance.integers(0, 2, many).astype(float)
    strong = np.maximum(weak, chance.integers(0, 2, many)).astype(float)
    return weak, strong, np.round(strong - weak + chance.random(many), 1)


def test_quality_is_the_weak_score_and_what_the_curve_recovers_of_the_gap() -> None:
    weak, strong, wish = _rows()
    curve = gain_curve(weak, strong, wish)

    found = quality_at(Ranking.of(weak, strong, wish), weak, SHARES)
    gap = strong.mean() - weak.mean()
    assert found == pytest.approx(
        [weak.mean() + np.interp(s, curve.shares, curve.pgr) * gap for s in SHARES]
    )
    assert found[0] == pytest.approx(weak.mean())
    assert found[-1] == pytest.approx(strong.mean())


def test_weights_count_rows_as_copies_would() -> None:
    weak, strong, wish = _rows(40)
    counts = np.random.default_rng(0).integers(0, 3, 40)
    copied = np.repeat(np.arange(40), counts)

    weighed = quality_at(Ranking.of(weak, strong, wish), weak, SHARES, counts.astype(float))
    plain = quality_at(Ranking.of(weak[copied], strong[copied], wish[copied]), weak[copied], SHARES)
    assert weighed == pytest.approx(plain)


def test_the_band_holds_its_curve_and_is_the_same_for_the_same_seed() -> None:
    weak, strong, wish = _rows()

    found = quality_band(weak, strong, wish, SHARES, seed=1, resamples=200)
    again = quality_band(weak, strong, wish, SHARES, seed=1, resamples=200)
    assert np.all(found.low < found.quality)
    assert np.all(found.quality < found.high)
    assert np.array_equal(found.low, again.low)
    assert np.all(found.high - found.low < 0.2)


def test_a_band_needs_no_gap() -> None:
    worse = quality_band(np.ones(20), np.zeros(20), np.zeros(20), SHARES, resamples=20)

    assert worse.quality == pytest.approx(1 - SHARES)


def test_operating_points_are_those_of_the_curve() -> None:
    weak, strong, wish = _rows()
    curve = gain_curve(weak, strong, wish)

    points = operating_points(weak, strong, wish, resamples=50)
    assert [point.gap for point in points] == [0.25, 0.5, 0.8, 0.95]
    for point in points:
        assert point.share.value == pytest.approx(curve.share_for(point.gap))
        assert point.share.low <= point.share.value <= point.share.high


def test_without_a_gap_there_is_no_operating_point() -> None:
    with pytest.raises(NoGapError):
        operating_points(np.ones(5), np.zeros(5), np.zeros(5))


def test_a_cascade_pays_the_weak_call_every_time() -> None:
    assert mix_cost(0.25, 1.0, 8.0) == pytest.approx(0.75 * 1 + 0.25 * 8)
    assert mix_cost(0.25, 1.0, 8.0, weak_always_paid=True) == pytest.approx(1 + 0.25 * 8)


@pytest.mark.parametrize("costs", [(None, 8.0), (1.0, None)])
def test_an_unknown_price_gives_an_unknown_cost(costs: tuple[float | None, float | None]) -> None:
    assert mix_cost(0.25, *costs) is None


def test_a_preference_is_no_better_than_itself_and_better_than_its_opposite() -> None:
    weak, strong, wish = _rows()

    same = area_over(weak, strong, wish, wish)
    opposite = area_over(weak, strong, wish, -wish)
    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert opposite.low > 0
