"""After an answer the gain of the next tiers is weighed against their cost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streams.routing.cascade import Accept, CascadeState, Escalate, after_answer
from streams.routing.confidence.scorers import ConfidenceResult
from streams.routing.policy import BY_WORTH, CascadePolicy, FeaturePolicy
from streams.routing.selection.plans import PRICE_OF_QUALITY, continuation_value
from tests.unit.routing.world import snapshot

WEIGHS = snapshot(cascade=CascadePolicy(scorer="learned", stop=BY_WORTH))
COSTS = {"simple": 10, "moderate": 100, "complex": 400}
STANDING = CascadeState(
    tier="simple", hop=0, time_left_ms=60_000, pinned=False, quality="balanced", costs=COSTS
)
shares = st.floats(0, 1)


def verdict(confidence: float, *chances: float) -> ConfidenceResult:
    return ConfidenceResult(confidence=confidence, parts={}, chances=chances or (0.5, 0.7, 0.95))


def test_a_doubtful_answer_escalates_if_a_stronger_tier_is_better() -> None:
    assert isinstance(after_answer(verdict(0.1), STANDING, WEIGHS), Escalate)


def test_a_confident_answer_is_accepted() -> None:
    assert isinstance(after_answer(verdict(0.97), STANDING, WEIGHS), Accept)


def test_an_answer_that_no_tier_improves_is_accepted() -> None:
    assert isinstance(after_answer(verdict(0.1, 0.3, 0.3, 0.3), STANDING, WEIGHS), Accept)


def test_a_tier_without_gain_is_skipped() -> None:
    step = after_answer(verdict(0.05, 0.3, 0.3, 0.95), STANDING, WEIGHS)

    assert isinstance(step, Escalate)
    assert step.tier == "complex"


def test_economy_accepts_an_answer_that_best_escalates() -> None:
    seen = verdict(0.75)
    thrifty = replace(STANDING, quality="economy")
    keen = replace(STANDING, quality="best")

    assert isinstance(after_answer(seen, thrifty, WEIGHS), Accept)
    assert isinstance(after_answer(seen, keen, WEIGHS), Escalate)


def test_a_configured_threshold_precedes_the_continuation_value() -> None:
    policy = replace(WEIGHS.policy, per_feature={"faq": FeaturePolicy(thresholds={"simple": 0.99})})
    ground = replace(WEIGHS, policy=policy)
    with_feature = replace(STANDING, feature="faq")

    assert isinstance(after_answer(verdict(0.97), with_feature, ground), Escalate)
    assert isinstance(after_answer(verdict(0.97), STANDING, ground), Accept)


def test_an_answer_without_probabilities_uses_the_threshold() -> None:
    plain = ConfidenceResult(confidence=0.4, parts={})

    assert isinstance(after_answer(plain, STANDING, WEIGHS), Escalate)


def test_tier_deadline_and_pin_limits_precede_the_continuation_value() -> None:
    last = replace(STANDING, tier="complex")
    late = replace(STANDING, time_left_ms=10)
    pinned = replace(STANDING, pinned=True)

    for standing in (last, late, pinned):
        assert isinstance(after_answer(verdict(0.0), standing, WEIGHS), Accept)


@given(low=shares, high=shares, chances=st.tuples(shares, shares, shares))
def test_higher_confidence_lowers_the_gain(
    low: float, high: float, chances: tuple[float, float, float]
) -> None:
    low, high = sorted((low, high))
    doubtful = continuation_value(0, low, chances, (1, 2, 3), "balanced")
    sure = continuation_value(0, high, chances, (1, 2, 3), "balanced")

    assert doubtful is not None
    assert sure is not None
    assert sure.gain <= doubtful.gain + 1e-12
    assert 0 <= sure.gain <= 1 - high + 1e-9


@given(confidence=shares, chances=st.tuples(shares, shares, shares))
def test_the_value_is_the_gain_minus_the_priced_cost(
    confidence: float, chances: tuple[float, float, float]
) -> None:
    for preference, price in PRICE_OF_QUALITY.items():
        found = continuation_value(1, confidence, chances, (1, 2, 3), preference)
        assert found is not None
        assert found.to == 2
        assert abs(found.worth - (found.gain - price * found.cost)) < 1e-12


def test_the_last_tier_has_no_continuation() -> None:
    assert continuation_value(2, 0.0, (0.1, 0.2, 0.9), (1, 2, 3), "best") is None
