"""An arm is the file's policy with some keys overridden."""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from infra.devstack.registry import local_registry
from streams.registry.history import ARTIFACT_PREFIX
from streams.registry.learned import default_artifact
from streams.registry.publishing import records_of
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.snapshot import RegistrySnapshot

BASE: dict[str, Any] = yaml.safe_load(local_registry("http://127.0.0.1:1"))
LEARNED = {"classifier": "learned"}


def trying(policy: dict[str, Any], **more: Any) -> RegistryVersion:
    arms = {"control": {}, "treated": {"weight": 2, "policy": policy}}
    document = {**BASE, "experiments": {"e": {"arms": arms, **more}}}
    return parse_registry(orjson.dumps(document))


def treated(version: RegistryVersion) -> RegistrySnapshot:
    return version.snapshot.under("e", "treated")


def test_mappings_are_laid_over_key_by_key() -> None:
    own = treated(trying({"cascade": {"thresholds": {"simple": 0.9}}}))

    assert own.policy.cascade.thresholds == {"simple": 0.9, "moderate": 0.5}
    assert own.policy.classifier == "rules"


def test_lists_are_replaced() -> None:
    assert treated(trying({"static": []})).policy.static_rules == ()


def test_the_control_decides_like_the_registry() -> None:
    version = trying(LEARNED)

    assert version.snapshot.under("e", "control").policy == version.snapshot.policy


def test_an_unknown_arm_is_the_registry_itself() -> None:
    version = trying(LEARNED)

    assert version.snapshot.under("e", "gone") is version.snapshot
    assert version.snapshot.under(None, None) is version.snapshot


def test_an_arm_has_the_artifact_that_its_own_policy_needs() -> None:
    version = trying(LEARNED)

    assert version.snapshot.artifact is None
    assert treated(version).artifact is default_artifact()


def test_artifacts_of_arms_are_published_with_the_version_and_pinned() -> None:
    version = trying(LEARNED)
    keys = [key for key, _ in records_of(version)]

    assert keys[0] == ARTIFACT_PREFIX + default_artifact().hash.encode()
    assert b'"artifact":"default"' not in version.content
    assert parse_registry(version.content).hash == version.hash


def test_arms_carry_the_version_of_their_file() -> None:
    version = trying(LEARNED)

    assert treated(version).version == version.hash


def test_weights_share_and_scope_are_the_experiment_s() -> None:
    (experiment,) = trying({}, share=0.3, feature=["faq"], tenant=["acme"]).snapshot.experiments

    assert [arm.weight for arm in experiment.arms] == [1.0, 2.0]
    assert (experiment.share, experiment.features) == (0.3, frozenset({"faq"}))
    assert experiment.tenants == frozenset({"acme"})


def test_experiments_are_evaluated_in_order_of_their_names() -> None:
    part = {"arms": {"a": {}, "b": {}}}
    document = {**BASE, "experiments": {"second": part, "first": part}}
    names = [each.name for each in parse_registry(orjson.dumps(document)).snapshot.experiments]

    assert names == ["first", "second"]


def test_arms_share_what_they_do_not_change_so_that_many_cost_little() -> None:
    """A thousand models and two thousand rules used to be copied for each of up to 128 arms."""
    rules = [{"when": {"feature": ["faq"]}, "tier": "simple"}]
    policy = {**BASE.get("policy", {}), "static": rules}
    arms = {"same": {}, "other": {"policy": {"quality": "best"}}, "own": {"policy": {"static": []}}}
    document = {**BASE, "policy": policy, "experiments": {"e": {"arms": arms}}}
    snapshot = parse_registry(orjson.dumps(document)).snapshot
    same, other, own = (arm.snapshot for arm in snapshot.experiments[0].arms)

    for arm in (same, other, own):
        assert arm.models is snapshot.models
    for arm in (same, other):
        assert arm.policy.static_rules is snapshot.policy.static_rules
    assert own.policy.static_rules == ()
    assert (same.policy, other.policy.default_quality) == (snapshot.policy, "best")
