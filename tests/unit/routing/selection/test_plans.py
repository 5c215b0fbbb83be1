"""Plans weigh expected quality against cost by the preference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.selection.plans import best_plan

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=6)
COSTS = (1.0, 4.0, 20.0)


def _start(chances: tuple[float, ...], preference: str = "balanced") -> int:
    return best_plan(chances, COSTS, preference, cascades=False).start


def test_a_prompt_that_the_first_tier_answers_well_starts_there() -> None:
    assert _start((0.95, 0.96, 0.97)) == 0


def test_a_prompt_that_only_the_last_tier_answers_well_starts_there() -> None:
    assert _start((0.1, 0.15, 0.9)) == 2


def test_a_cheaper_middle_tier_of_almost_equal_quality_is_chosen() -> None:
    assert _start((0.2, 0.85, 0.9)) == 1


def test_the_preference_moves_the_start() -> None:
    chances = (0.6, 0.7, 0.85)

    assert [_start(chances, each) for each in ("economy", "balanced", "best")] == [1, 1, 2]


def test_a_cascade_raises_the_value_of_a_cheap_start() -> None:
    without = best_plan((0.5, 0.6, 0.9), COSTS, "balanced", cascades=False)
    with_one = best_plan((0.5, 0.6, 0.9), COSTS, "balanced", cascades=True)

    assert with_one.start <= without.start
    assert with_one.worth >= without.worth


def test_of_equal_values_the_cheaper_plan_is_chosen() -> None:
    assert best_plan((1.0, 1.0), (0.0, 0.0), "best", cascades=False).start == 0


@given(CHANCES, st.sampled_from(["economy", "balanced", "best"]), st.booleans())
def test_without_prices_there_is_a_plan_all_the_same(
    chances: list[float], preference: str, cascades: bool
) -> None:
    plan = best_plan(chances, [None] * len(chances), preference, cascades=cascades)

    assert 0 <= plan.start < len(chances)
    assert 0 <= plan.quality <= 1 + 1e-9
    assert plan.cost >= 0


def test_no_tier_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one tier"):
        best_plan((), (), "best", cascades=True)
