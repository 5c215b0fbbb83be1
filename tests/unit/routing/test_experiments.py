"""Arms are sticky, independent, and growing ones lose no users."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.experiments import ArmAssignment, assign
from streams.routing.snapshot import Arm, Experiment, RegistrySnapshot
from tests.unit.routing.world import snapshot

USERS = [f"user-{number}" for number in range(3_000)]
PLAIN = snapshot()
MOMENT = DecisionContext(now=0, time_left_ms=1_000)


def experiment(
    name: str = "e", weights: dict[str, float] | None = None, **more: object
) -> Experiment:
    arms = weights or {"control": 1.0, "treated": 1.0}
    return Experiment(
        name=name,
        arms=tuple(Arm(name=arm, weight=weight, snapshot=PLAIN) for arm, weight in arms.items()),
        **more,  # type: ignore[arg-type]
    )


def trying(*experiments: Experiment) -> RegistrySnapshot:
    return replace(PLAIN, experiments=experiments)


def arm_of(snapshot: RegistrySnapshot, user: str | None, feature: str | None = None) -> str | None:
    found = assign(snapshot, tenant="acme", user_id=user, feature=feature)
    return None if found is None else found.arm


def test_without_a_user_id_there_is_no_arm() -> None:
    assert arm_of(trying(experiment()), None) is None


def test_a_user_keeps_its_arm_under_unrelated_registry_changes() -> None:
    alone = trying(experiment())
    other = replace(
        trying(experiment("e"), experiment("late")), version="another", tiers=("simple", "complex")
    )
    assert [arm_of(alone, user) for user in USERS] == [arm_of(other, user) for user in USERS]


def test_arms_get_the_shares_of_their_weights() -> None:
    counts = Counter(arm_of(trying(experiment(weights={"a": 1, "b": 3})), user) for user in USERS)

    assert counts["a"] / len(USERS) == pytest.approx(0.25, abs=0.03)


def test_a_share_of_the_users_is_in_the_experiment() -> None:
    within = [arm_of(trying(experiment(share=0.3)), user) is not None for user in USERS]

    assert sum(within) / len(USERS) == pytest.approx(0.3, abs=0.03)


def test_the_probability_is_that_of_the_arm_among_all_users() -> None:
    tried = trying(experiment(share=0.5, weights={"a": 1, "b": 3}))
    found = {each.arm: each.probability for user in USERS if (each := _assigned(tried, user))}

    assert found == {"a": 0.125, "b": 0.375}


def _assigned(tried: RegistrySnapshot, user: str) -> ArmAssignment | None:
    return assign(tried, tenant="acme", user_id=user, feature=None)


@given(
    weights=st.lists(st.floats(0.1, 10), min_size=2, max_size=5),
    grown=st.integers(0, 4),
    factor=st.floats(1.01, 20),
)
def test_a_growing_arm_only_gains_users(weights: list[float], grown: int, factor: float) -> None:
    names = [f"arm-{number}" for number in range(len(weights))]
    grows = names[grown % len(names)]
    before = dict(zip(names, weights, strict=True))
    after = {**before, grows: before[grows] * factor}
    for user in USERS[:200]:
        was = arm_of(trying(experiment(weights=before)), user)
        now = arm_of(trying(experiment(weights=after)), user)
        assert now in {was, grows}


def test_a_growing_share_moves_no_user_to_another_arm() -> None:
    for user in USERS[:500]:
        was = arm_of(trying(experiment(share=0.2)), user)
        assert was is None or was == arm_of(trying(experiment(share=0.6)), user)


def test_experiments_divide_users_independently() -> None:
    pairs = Counter(
        (arm_of(trying(experiment("one")), user), arm_of(trying(experiment("two")), user))
        for user in USERS
    )
    assert all(count / len(USERS) == pytest.approx(0.25, abs=0.03) for count in pairs.values())


def test_the_first_experiment_with_an_arm_for_the_user_counts() -> None:
    both = trying(experiment("one", share=0.5), experiment("two"))
    found = [assign(both, tenant="acme", user_id=user, feature=None) for user in USERS]

    assert {each.experiment for each in found if each} == {"one", "two"}
    assert all(each is not None for each in found)


def test_an_experiment_on_a_feature_or_a_tenant_leaves_the_others_alone() -> None:
    faq = trying(experiment(features=frozenset({"faq"})))
    ours = trying(experiment(tenants=frozenset({"us"})))

    assert arm_of(faq, "ada") is None
    assert arm_of(faq, "ada", "faq") is not None
    assert arm_of(ours, "ada") is None


def _subject(**fields: str) -> RoutingRequest:
    body = {"messages": [{"role": "user", "content": "capital?"}]}
    return RoutingRequest(body=body, tenant="acme", **fields)


def test_a_decision_keeps_arm_probability_and_draw() -> None:
    decision = decide(_subject(user_id="ada"), trying(experiment()), MOMENT)
    kept = orjson.loads(decision.inputs)["classify"]["arm"]

    assert (decision.experiment, decision.propensity) == ("e", 0.5)
    assert kept["probability"] == 0.5
    assert 0 <= kept["draw"] < 1


def test_a_request_with_a_pinned_model_or_tier_is_in_no_experiment() -> None:
    tried = trying(experiment())

    assert decide(_subject(user_id="ada", model="simple-1"), tried, MOMENT).arm is None
    assert decide(_subject(user_id="ada", tier="simple"), tried, MOMENT).arm is None


def test_the_arm_s_snapshot_is_what_decides() -> None:
    own = snapshot(classifier="article-4")
    one = Experiment(name="e", arms=(Arm(name="only", weight=1, snapshot=own),))
    decision = decide(_subject(user_id="ada"), trying(one), MOMENT)

    assert decision.classifier == "article-4"
