"""Answer limits: added ones fit the window, requested ones fit the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.routing.parameters.answer_limits import answer_limit, limit_notes
from streams.routing.selection.candidates import no_model_fits, unfit
from tests.unit.routing.selection.test_candidates import _need
from tests.unit.routing.world import model, snapshot

WIDE = model("wide", context_window=200_000, max_output=32_000)


def test_an_added_limit_is_reduced_to_the_rest_of_the_window() -> None:
    limit = answer_limit({}, WIDE, 180_000)
    assert 0 < limit <= 20_000
    assert 180_000 + limit <= 200_000
    assert answer_limit({}, WIDE, 10_000) == 32_000
    assert answer_limit({}, WIDE, 300_000) == 1


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_caller_s_limit_is_reduced_to_the_model_s_with_a_note(field: str) -> None:
    assert answer_limit({field: 100_000}, WIDE, 10) == 32_000
    (note,) = limit_notes({field: 100_000}, WIDE)
    assert "100000" in note
    assert "32000" in note
    assert answer_limit({field: 5}, WIDE, 10) == 5
    assert limit_notes({field: 5}, WIDE) == limit_notes({}, WIDE) == ()


def test_a_model_without_room_for_an_answer_is_unfit() -> None:
    assert unfit(WIDE, _need(context_tokens=180_000)) is None
    assert unfit(WIDE, _need(context_tokens=199_990)) is not None


def test_a_model_with_a_smaller_window_than_an_overflowed_one_is_unfit() -> None:
    small = model("small", context_window=100_000)
    overflowed = replace(_need(), overflowed_window=128_000)
    assert unfit(small, overflowed) is not None
    assert unfit(WIDE, overflowed) is None
    assert not no_model_fits(overflowed, snapshot(small, WIDE))


def test_a_prompt_fits_no_model_only_if_no_permitted_model_has_room() -> None:
    small, models = model("small", context_window=1_000), (WIDE,)
    long, longer = _need(context_tokens=50_000), _need(context_tokens=500_000)
    assert not no_model_fits(long, snapshot(small, *models))
    assert no_model_fits(longer, snapshot(small, *models))
    assert no_model_fits(replace(long, pinned_model="small"), snapshot(small, *models))
    assert not no_model_fits(_need(time_left_ms=1), snapshot(small, *models))
