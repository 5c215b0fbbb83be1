"""The probability that an answer was observed: shadows and arms, from recorded inputs."""

from __future__ import annotations

import pytest

from streams.offline.replay.replaying import Replayer
from streams.offline.replay.rows import Replayed
from streams.providers.in_memory_provider import text_answer
from streams.providers.pricing.price_list import PriceBook
from tests.unit.agents.world import REGISTRY
from tests.unit.offline.replay.world import RecordedLog, record

BASE = REGISTRY.rstrip()
SHADOWED = f"{BASE}\n  shadow: {{share: 0.4, usd_per_day: 100}}\n"
ARMS = f"""{BASE}
experiments:
  tried:
    arms:
      control: {{weight: 3}}
      strong: {{policy: {{boundaries: [0.0, 0.0]}}}}
"""
BOTH = ARMS.replace("policy:\n", "policy:\n  shadow: {share: 0.4, usd_per_day: 100}\n", 1)


def replayed(registry: str, count: int = 12, **more: str) -> list[Replayed]:
    requests = [
        (0, {"request_id": f"r{n}", "prompt": "hi", "user_id": f"u{n}", **more})
        for n in range(count)
    ]
    log: RecordedLog = record(
        [registry], requests, script=lambda call, endpoint: text_answer("It is 7.")
    )
    (snapshot,) = log.snapshots.values()
    replayer = Replayer(
        snapshot=snapshot, before=log.snapshots.get, pricing=PriceBook(), reuse=True
    )
    return [
        replayer.replay(each_recorded, accepted(log, each_recorded.source.offset))
        for each_recorded in with_ends(log)
    ]


def accepted(log: RecordedLog, offset: int):  # type: ignore[no-untyped-def]
    from streams.offline.replay.accepted import accepted_request

    return accepted_request(log.requests[offset])


def with_ends(log: RecordedLog):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    ends = {event["request_id"]: event["tier"] for event in log.outcomes if event["final"]}
    return [replace(each, ended_tier=ends[each.request_id]) for each in log.recorded()]


def test_each_other_tier_has_its_shadow_probability_drawn_or_not() -> None:
    for each in replayed(SHADOWED):
        assert each.chances == pytest.approx({"gpt-4o": 0.2, "opus": 0.2})


def test_without_shadows_or_arms_there_are_no_probabilities() -> None:
    assert all(each.chances == {} for each in replayed(BASE))


def test_arms_that_start_elsewhere_give_both_starts_their_weight() -> None:
    found = replayed(ARMS)

    assert {each.recorded.decision.arm for each in found} == {"control", "strong"}
    for each in found:
        assert each.chances == pytest.approx({"gpt-4o-mini": 0.75, "opus": 0.25})


def test_a_draw_of_an_arm_and_of_a_shadow_add_up() -> None:
    for each in replayed(BOTH):
        assert each.chances["gpt-4o"] == pytest.approx(0.2)
        assert each.chances["opus"] == pytest.approx(0.25 + 0.75 * 0.2)


def test_a_pinned_model_was_no_draw() -> None:
    assert all(each.chances == {} for each in replayed(BOTH, model="opus"))
