"""An answer is accepted or escalated, within the limits of hops, time, pin and top tier."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Answer
from streams.routing.cascade import (
    MIN_TIME_TO_ESCALATE_MS,
    Accept,
    CascadeState,
    Escalate,
    accepts_any_answer,
    after_answer,
    best_answer,
    next_tier,
)
from streams.routing.confidence.scorers import ConfidenceResult
from streams.routing.policy import CascadePolicy
from tests.unit.routing.world import TIERS, snapshot

CASCADE = CascadePolicy(thresholds={"simple": 0.6}, default_threshold=0.5, max_hops=3)


def _state(
    tier: str = "simple", hop: int = 0, time_left_ms: float = 60_000, *, pinned: bool = False
) -> CascadeState:
    return CascadeState(tier=tier, hop=hop, time_left_ms=time_left_ms, pinned=pinned)


def _after(
    confidence: float, state: CascadeState, cascade: CascadePolicy = CASCADE
) -> Accept | Escalate:
    verdict = ConfidenceResult(confidence=confidence, parts={})
    return after_answer(verdict, state, snapshot(cascade=cascade))


@pytest.mark.parametrize("confidence", [0.6, 0.75, 1.0])
def test_an_answer_at_its_tier_s_threshold_is_accepted(confidence: float) -> None:
    step = _after(confidence, _state())

    assert isinstance(step, Accept)
    assert step.why == f"confidence {confidence:g} reaches 0.6"


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.599999])
def test_an_answer_below_the_threshold_escalates_to_the_next_tier(confidence: float) -> None:
    expected = Escalate(tier="moderate", why=f"confidence {confidence:g} is below 0.6")

    assert _after(confidence, _state()) == expected


def test_a_tier_without_a_threshold_has_the_default_one() -> None:
    assert isinstance(_after(0.5, _state("moderate", 1)), Accept)
    assert _after(0.499999, _state("moderate", 1)) == Escalate(
        tier="complex", why="confidence 0.499999 is below 0.5"
    )


def _unasked(step: Accept | Escalate) -> bool:
    return isinstance(step, Accept) and step.why.endswith("nobody is left to ask")


def test_the_top_tier_s_answer_is_accepted() -> None:
    assert _unasked(_after(0.0, _state("complex", 1)))


def test_at_most_max_hops_tiers_are_tried() -> None:
    two = CascadePolicy(max_hops=2)

    assert isinstance(_after(0.0, _state(hop=0), two), Escalate)
    assert _unasked(_after(0.0, _state(hop=1), two))
    assert _unasked(_after(0.0, _state(hop=0), CascadePolicy(max_hops=1)))


def test_a_pinned_model_s_answer_is_accepted() -> None:
    assert _unasked(_after(0.0, _state(pinned=True)))


def test_no_tier_is_tried_close_to_the_deadline() -> None:
    assert _unasked(_after(0.0, _state(time_left_ms=MIN_TIME_TO_ESCALATE_MS - 1)))
    assert isinstance(_after(0.0, _state(time_left_ms=MIN_TIME_TO_ESCALATE_MS)), Escalate)


def test_without_a_cascade_every_answer_is_accepted() -> None:
    assert _after(0.0, _state(), CascadePolicy(enabled=False)) == Accept(why="the cascade is off")


def test_a_removed_tier_has_no_next_tier() -> None:
    assert next_tier(_state("gone"), snapshot()) is None


@given(
    confidence=st.floats(0, 1),
    tier=st.sampled_from(TIERS),
    hop=st.integers(0, 9),
    left=st.floats(-1_000, 60_000),
    pinned=st.booleans(),
    hops=st.integers(1, 8),
)
def test_an_escalation_goes_exactly_one_tier_up(
    confidence: float, tier: str, hop: int, left: float, pinned: bool, hops: int
) -> None:
    state = _state(tier, hop, left, pinned=pinned)
    step = _after(confidence, state, CascadePolicy(max_hops=hops))

    if isinstance(step, Escalate):
        assert TIERS.index(step.tier) == TIERS.index(tier) + 1
        assert confidence < 0.5
        assert hop + 1 < hops
        assert left >= MIN_TIME_TO_ESCALATE_MS
        assert not pinned


def _answer(name: str, confidence: float | None) -> Answer:
    return Answer(
        message="{}",
        model=name,
        provider="openai",
        tier="simple",
        finish_reason="stop",
        confidence=confidence,
    )


def test_the_most_confident_answer_is_the_best() -> None:
    answers = [_answer("first", 0.2), _answer("second", 0.7), _answer("third", 0.4)]

    best = best_answer(answers)

    assert best is answers[1]


def test_of_equal_answers_the_later_is_the_better() -> None:
    answers = [_answer("first", 0.4), _answer("second", 0.4), _answer("third", 0.1)]

    assert best_answer(answers) is answers[1]


def test_an_answer_without_a_score_comes_last() -> None:
    assert best_answer([_answer("scored", 0.1), _answer("unscored", None)]) == _answer(
        "scored", 0.1
    )
    assert best_answer([_answer("unscored", None)]) is not None
    assert best_answer([]) is None


@pytest.mark.parametrize(
    ("streaming", "stream", "accepted"),
    [("immediate", True, True), ("immediate", False, False), ("checked", True, False)],
)
def test_a_stream_at_once_has_no_cascade(streaming: str, stream: bool, accepted: bool) -> None:
    found = snapshot(cascade=CASCADE)
    policy = replace(found.policy, streaming=streaming)
    effective = replace(found, policy=policy).for_stream(stream=stream)
    verdict = ConfidenceResult(confidence=0.0, parts={})
    assert isinstance(after_answer(verdict, _state(), effective), Accept) is accepted
    assert accepts_any_answer(_state(), effective) is accepted
    # What follows a failure is no cascade: the next tier is asked.
    assert next_tier(_state(), effective) == "moderate"
