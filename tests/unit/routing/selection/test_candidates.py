"""Candidates of a tier: capable, in time, available; cheapest first."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.decision_inputs import read_step
from streams.routing.selection.candidates import (
    LEAST_ANSWER_TOKENS,
    Conditions,
    Costs,
    Excluded,
    InstanceStatus,
    ModelRequirements,
    Shortlist,
    shortlist,
    unfit,
)
from streams.routing.snapshot import CAPABILITIES, JSON, TOOLS, VISION
from tests.unit.routing.world import model, snapshot

NONE: frozenset[str] = frozenset()


def _need(
    *,
    capabilities: frozenset[str] = NONE,
    context_tokens: int = 100,
    max_output_tokens: int | None = None,
    time_left_ms: float = 60_000,
    pinned_model: str | None = None,
    spread: str = "",
) -> ModelRequirements:
    return ModelRequirements(
        capabilities=capabilities,
        context_tokens=context_tokens,
        max_output_tokens=max_output_tokens,
        time_left_ms=time_left_ms,
        pinned_model=pinned_model,
        spread=spread,
    )


WORLD = snapshot(
    model("z"),
    model("y", capabilities=frozenset({JSON})),
    model("x", instances=("a", "b")),
    model("top", "complex"),
)
PLACES = [("x", "a"), ("x", "b"), ("y", "a"), ("z", "a")]
PRICED: Costs = {"x": 30, "y": 20, "z": 10}


def _list(
    need: ModelRequirements | None = None,
    conditions: Conditions | None = None,
    costs: Costs = PRICED,
    tier: str = "simple",
) -> Shortlist:
    return shortlist(tier, need or _need(), WORLD, conditions or {}, costs)


def _names(found: Shortlist) -> list[str]:
    return list(dict.fromkeys(candidate.model.name for candidate in found.candidates))


def test_the_cheapest_model_of_the_tier_is_first() -> None:
    assert _names(_list()) == ["z", "y", "x"]
    assert len(_list().candidates) == 4


def test_a_model_of_unknown_price_is_last_and_a_free_one_first() -> None:
    assert _names(_list(costs={"x": 30, "y": None, "z": 10})) == ["z", "x", "y"]
    assert _names(_list(costs={"x": 30, "z": 0})) == ["z", "x", "y"]


def test_of_equal_prices_the_name_decides() -> None:
    assert _names(_list(costs={"x": 7, "y": 7, "z": 7})) == ["x", "y", "z"]
    assert _names(_list(costs={})) == ["x", "y", "z"]


def test_only_models_of_the_tier_are_candidates() -> None:
    assert _names(_list(tier="complex")) == ["top"]
    assert _list(tier="gone") == Shortlist(candidates=(), excluded=())


def test_a_pinned_model_of_any_tier_is_the_only_candidate() -> None:
    assert _names(_list(_need(pinned_model="top"))) == ["top"]


def test_a_pin_on_a_removed_model_falls_back_to_the_tier() -> None:
    assert _names(_list(_need(pinned_model="gone"))) == ["z", "y", "x"]


def test_a_model_without_a_required_capability_is_excluded_with_the_reason() -> None:
    found = _list(_need(capabilities=frozenset({VISION, TOOLS, JSON})))

    assert _names(found) == ["z", "x"]
    assert found.excluded == (
        Excluded(model="y", instance=None, reason="can not do tools, vision"),
    )


@pytest.mark.parametrize(
    ("context", "output", "fits"),
    [
        (10_000 - LEAST_ANSWER_TOKENS, None, True),
        (10_001 - LEAST_ANSWER_TOKENS, None, False),
        (9_500, 500, True),
        (9_501, 500, False),
        (9_000, 50_000, True),
        (9_001, 50_000, False),
    ],
)
def test_question_and_answer_must_fit_the_context_window(
    context: int, output: int | None, fits: bool
) -> None:
    need = _need(context_tokens=context, max_output_tokens=output)
    reason = unfit(model("m", context_window=10_000, max_output=1_000), need)

    assert (reason is None) is fits
    assert fits or reason == (
        f"about {context + min(output or LEAST_ANSWER_TOKENS, 1_000)} tokens do not fit 10000"
    )


@pytest.mark.parametrize(("left", "fits"), [(60_000, True), (500, True), (499.9, False)])
def test_a_model_too_slow_for_the_deadline_is_no_candidate(left: float, fits: bool) -> None:
    reason = unfit(model("m", expected_latency_ms=1_000), _need(time_left_ms=left))

    assert reason == (None if fits else "too slow for the time left")


def test_an_unavailable_instance_is_excluded_with_the_reason() -> None:
    found = _list(conditions={("x", "a"): InstanceStatus(available=False)})

    assert [c.instance.name for c in found.candidates if c.model.name == "x"] == ["b"]
    assert found.excluded == (Excluded(model="x", instance="a", reason="not available now"),)


def test_without_any_candidate_every_exclusion_has_a_reason() -> None:
    found = _list(conditions={place: InstanceStatus(available=False) for place in PLACES})

    assert found.candidates == ()
    assert len(found.excluded) == 4


def test_the_candidate_list_is_recorded_and_read_back() -> None:
    found = _list(
        _need(capabilities=frozenset({TOOLS})), {("x", "a"): InstanceStatus(available=False)}
    )

    step = found.step(7, time_left_ms=100.0, costs={"z": 1, "x": None})

    assert read_step(orjson.loads(orjson.dumps(step.document()))) == step
    assert step.candidates == (("z", "a"), ("x", "b"))
    assert step.excluded == (
        ("y", None, "can not do tools"),
        ("x", "a", "not available now"),
    )


@given(
    capabilities=st.sets(st.sampled_from(sorted(CAPABILITIES))),
    context=st.integers(0, 20_000),
    left=st.floats(0, 5_000),
    closed=st.sets(st.sampled_from(PLACES)),
    costs=st.dictionaries(st.sampled_from("xyz"), st.none() | st.integers(0, 99)),
)
def test_every_instance_is_a_candidate_or_excluded_with_a_reason(
    capabilities: set[str], context: int, left: float, closed: set[tuple[str, str]], costs: Costs
) -> None:
    need = _need(capabilities=frozenset(capabilities), context_tokens=context, time_left_ms=left)
    found = _list(need, dict.fromkeys(closed, InstanceStatus(available=False)), costs)
    listed = {(c.model.name, c.instance.name) for c in found.candidates}
    out = {(e.model, e.instance) for e in found.excluded}

    for name, at in PLACES:
        assert ((name, at) in listed) + ((name, at) in out) + ((name, None) in out) == 1
    prices = [costs.get(name) for name in _names(found)]
    ranks = [(price is None, price or 0) for price in prices]
    assert all(one <= two for one, two in pairwise(ranks))
