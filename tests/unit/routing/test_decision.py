"""The first tier of a request: by pin, tier or rule, else by its score; reproducible."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidRequestError
from streams.routing.assessment import equal_shares, tier_of_score
from streams.routing.decision import (
    CODE_VERSION,
    STATIC,
    DecisionContext,
    RoutingRequest,
    decide,
    features_of,
)
from streams.routing.policy import StaticRule
from streams.routing.rules.classifier import CLASSIFIERS
from tests.unit.routing.world import snapshot

MOMENT = DecisionContext(now=1_700_000_000_000, time_left_ms=600_000)
PLAIN = snapshot()
EASY = "What is the capital of France?"
HARD = (
    "Design a distributed cache, prove that it is linearizable, write the code of the service, "
    "compare it with two others step by step and explain every trade off."
)


def _subject(question: str = EASY, *, tenant: str = "acme", **fields: Any) -> RoutingRequest:
    body = {"messages": [{"role": "user", "content": question}]}
    return RoutingRequest(body=body, tenant=tenant, **fields)


def _ruled(*rules: StaticRule) -> Any:
    return snapshot(rules=rules)


def test_a_pinned_model_decides_model_and_tier() -> None:
    decision = decide(_subject(model="complex-1"), PLAIN, MOMENT)

    assert (decision.model, decision.tier) == ("complex-1", "complex")
    assert (decision.classifier, decision.score) == (STATIC, None)
    assert decision.reasons == ("the caller pinned the model",)


def test_a_named_tier_decides_the_tier_and_leaves_the_model_open() -> None:
    decision = decide(_subject(HARD, tier="simple"), PLAIN, MOMENT)

    assert (decision.model, decision.tier, decision.classifier) == (None, "simple", STATIC)
    assert decision.reasons == ("the caller named the tier",)


def test_the_pin_precedes_the_tier_and_the_tier_every_rule() -> None:
    ruled = _ruled(StaticRule(tier="moderate", tenants=frozenset({"acme"})))

    assert decide(_subject(model="complex-1", tier="simple"), ruled, MOMENT).tier == "complex"
    assert decide(_subject(tier="simple"), ruled, MOMENT).tier == "simple"
    assert decide(_subject(), ruled, MOMENT).tier == "moderate"


def test_a_model_that_is_not_there_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(
        InvalidRequestError, match=r"^model: .*simple-1, moderate-1, complex-1$"
    ) as e:
        decide(_subject(model="secret-9"), PLAIN, MOMENT)
    assert "secret" not in str(e.value)
    assert e.value.code == "invalid_request"


def test_a_tier_that_is_not_there_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(InvalidRequestError, match=r"^tier: .*simple, moderate, complex$") as e:
        decide(_subject(tier="secret"), PLAIN, MOMENT)
    assert "secret" not in str(e.value)


MATCHES: dict[str, tuple[StaticRule, dict[str, Any], list[dict[str, Any]]]] = {
    "feature": (
        StaticRule(tier="complex", features=frozenset({"legal", "medical"})),
        {"feature": "medical"},
        [{"feature": "faq"}, {}],
    ),
    "tenant": (
        StaticRule(tier="complex", tenants=frozenset({"bank"})),
        {"tenant": "bank"},
        [{"tenant": "acme"}],
    ),
    "user_tier": (
        StaticRule(tier="complex", user_tiers=frozenset({"paid"})),
        {"user_tier": "paid"},
        [{"user_tier": "free"}, {}],
    ),
    "metadata": (
        StaticRule(tier="complex", metadata={"team": "risk", "env": "prod"}),
        {"metadata": {"team": "risk", "env": "prod", "more": "1"}},
        [{"metadata": {"team": "risk"}}, {"metadata": {"team": "risk", "env": "test"}}, {}],
    ),
    "all of them": (
        StaticRule(
            tier="complex",
            features=frozenset({"legal"}),
            tenants=frozenset({"bank"}),
            user_tiers=frozenset({"paid"}),
            metadata={"env": "prod"},
        ),
        {"feature": "legal", "tenant": "bank", "user_tier": "paid", "metadata": {"env": "prod"}},
        [
            {"tenant": "bank", "user_tier": "paid", "metadata": {"env": "prod"}},
            {"feature": "legal", "user_tier": "paid", "metadata": {"env": "prod"}},
            {"feature": "legal", "tenant": "bank", "metadata": {"env": "prod"}},
            {"feature": "legal", "tenant": "bank", "user_tier": "paid"},
        ],
    ),
}


@pytest.mark.parametrize("kind", MATCHES)
def test_a_rule_decides_for_what_it_matches_and_for_nothing_else(kind: str) -> None:
    rule, fields, others = MATCHES[kind]
    ruled = decide(_subject(**fields), _ruled(rule), MOMENT)

    assert (ruled.tier, ruled.classifier, ruled.reasons) == ("complex", STATIC, ("static rule 1",))
    for other in others:
        assert decide(_subject(**other), _ruled(rule), MOMENT).classifier == "rules"


def test_the_first_rule_that_matches_counts_and_is_named() -> None:
    acme = frozenset({"acme"})
    decision = decide(
        _subject(),
        _ruled(
            StaticRule(tier="simple", tenants=frozenset({"bank"})),
            StaticRule(tier="moderate", tenants=acme),
            StaticRule(tier="complex", tenants=acme),
        ),
        MOMENT,
    )

    assert (decision.tier, decision.reasons) == ("moderate", ("static rule 2",))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_without_a_static_choice_the_registry_s_classifier_decides(name: str) -> None:
    world = snapshot(classifier=name)
    decision = decide(_subject(HARD), world, MOMENT)
    verdict = CLASSIFIERS[name](features_of(_subject(HARD), world), world.policy.retrieval)

    assert decision.classifier == name
    assert (decision.score, decision.reasons) == (verdict.score, verdict.reasons)
    assert decision.model is None


def test_an_easy_question_starts_below_and_a_hard_one_above() -> None:
    assert decide(_subject(EASY), PLAIN, MOMENT).tier == "simple"
    assert decide(_subject(HARD), PLAIN, MOMENT).tier == "complex"


def test_the_policy_s_quality_is_the_default() -> None:
    assert features_of(_subject(), PLAIN).quality == "balanced"
    assert features_of(_subject(quality="best"), PLAIN).quality == "best"


def test_the_inputs_of_a_decision_are_recorded() -> None:
    for subject in (_subject(), _subject(tier="simple")):
        decision = decide(subject, PLAIN, MOMENT)
        assert decision.registry_version == PLAIN.version
        assert decision.code_version == CODE_VERSION
        assert orjson.loads(decision.inputs) == {
            "classify": {"now": MOMENT.now, "time_left_ms": MOMENT.time_left_ms}
        }


@pytest.mark.parametrize(
    ("score", "tiers", "place"),
    [
        (0.0, 3, 0),
        (0.333333, 3, 0),
        (0.333334, 3, 1),
        (0.5, 3, 1),
        (0.666666, 3, 1),
        (0.666667, 3, 2),
        (1.0, 3, 2),
        (0.499999, 2, 0),
        (0.5, 2, 1),
        (1.0, 1, 0),
        (0.2, 5, 1),
        (0.6, 5, 3),
    ],
)
def test_each_tier_has_an_equal_share_of_the_scores(score: float, tiers: int, place: int) -> None:
    assert tier_of_score(score, equal_shares(tiers)) == place


@pytest.mark.parametrize("tiers", range(1, 9))
def test_scores_are_spread_over_any_number_of_tiers(tiers: int) -> None:
    places = [tier_of_score(number / 10_000, equal_shares(tiers)) for number in range(10_000)]

    assert places == sorted(places)
    assert max(Counter(places).values()) - min(Counter(places).values()) <= 1
    assert tier_of_score(0.0, equal_shares(tiers)) == 0
    assert tier_of_score(1.0, equal_shares(tiers)) == tiers - 1


WORD = st.text(min_size=1, max_size=12)


@given(
    question=st.text(max_size=300),
    classifier=st.sampled_from(sorted(CLASSIFIERS)),
    feature=st.none() | WORD,
    scores=st.lists(st.floats(0, 1), max_size=4),
    metadata=st.dictionaries(WORD, WORD, max_size=3),
    now=st.integers(0, 2**53),
    tiers=st.integers(1, 8),
)
def test_the_same_inputs_decide_the_same_to_the_byte(
    question: str,
    classifier: str,
    feature: str | None,
    scores: list[float],
    metadata: dict[str, str],
    now: int,
    tiers: int,
) -> None:
    def once() -> bytes:
        world = snapshot(tiers=tuple(f"t{n}" for n in range(tiers)), classifier=classifier)
        subject = _subject(
            question, feature=feature, retrieval_scores=tuple(scores), metadata=dict(metadata)
        )
        decision = decide(subject, world, DecisionContext(now=now, time_left_ms=1))
        assert decision.tier in world.tiers
        return orjson.dumps(decision)

    assert once() == once()
