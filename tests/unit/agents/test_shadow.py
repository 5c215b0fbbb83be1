"""Shadow calls: after the reply, within their allowance, booked with their probability."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from schemas.topics import COST, OUTCOMES, QUALITY
from streams.agents.context.shadow_spend import DAY_MS, MOST_MS, ShadowSpendLimiter
from streams.providers.in_memory_provider import text_answer
from tests.unit.agents.world import REGISTRY, World, deliver

SHADOWED = f"{REGISTRY.rstrip()}\n  shadow: {{share: 1.0, usd_per_day: 100}}\n"


def answered(
    registry: str = SHADOWED, judge: str = '{"score": 0.75}', requests: int = 1, **more: Any
) -> World:
    def script(call: Any, endpoint: Any) -> Any:
        judging = "judge answers" in call.body["messages"][0]["content"]
        return text_answer(judge if judging else "The result is 7.")

    world = World(script=script, registry=registry)

    async def run() -> None:
        for number in range(requests):
            await world.send(world.request(request_id=f"r{number}", offset=number, **more))
        await deliver(world, await world.worker(), set())

    asyncio.run(run())
    return world


def shadows(world: World) -> list[dict[str, Any]]:
    return [event for event in world.events(COST, "CostEvent") if event["purpose"] == "shadow"]


def test_another_tier_is_called_after_the_reply_with_its_probability_recorded() -> None:
    world = answered()
    (shadow,) = shadows(world)

    assert shadow["tier"] in {"moderate", "complex"}
    assert shadow["propensity"] == 0.5
    kinds = [event["kind"] for event in world.events(OUTCOMES, "OutcomeEvent")]
    assert kinds == ["started", "replied", "started"]


def test_the_reply_s_cost_excludes_the_shadow_call() -> None:
    world = answered()
    (reply,) = world.replies()
    answer, _ = world.events(COST, "CostEvent")

    assert round(reply["cost_usd"] * 1e9) == answer["cost_nano"]


def test_the_agreement_of_weaker_and_stronger_answer_is_recorded() -> None:
    world = answered()
    (signal,) = [
        event for event in world.events(QUALITY, "QualityEvent") if event["signal"] == "agreement"
    ]

    assert (signal["score"], signal["request_model"]) == (1.0, "gpt-4o-mini")
    assert signal["name"] == shadows(world)[0]["request_model"]


def test_a_judge_judges_both_answers() -> None:
    world = answered(f"{SHADOWED}  judge: {{model: opus}}\n")
    judged = {
        event["call_id"]: event["score"]
        for event in world.events(QUALITY, "QualityEvent")
        if event["signal"] == "judge"
    }
    answer = world.events(COST, "CostEvent")[0]

    assert judged == {answer["call_id"]: 0.75, shadows(world)[0]["call_id"]: 0.75}


def test_the_shadow_draw_is_recorded_with_or_without_a_call() -> None:
    world = answered(SHADOWED.replace("share: 1.0", "share: 0.000001"))
    (outcome,) = [each for each in world.events(OUTCOMES, "OutcomeEvent") if each["final"]]
    steps = orjson.loads(outcome["decision"]["inputs"])["hops"][0]["steps"]

    assert shadows(world) == []
    assert steps[-1]["shadow"]["tier"] is None
    assert 0 < steps[-1]["shadow"]["draw"] < 1


def test_a_caller_who_pinned_the_model_is_not_shadowed() -> None:
    world = World()
    decision = world.request().decision
    pinned = type(decision)(
        **{name: getattr(decision, name) for name in decision.__slots__} | {"model": "gpt-4o-mini"}
    )
    assert shadows(answered(decision=pinned)) == []


def test_an_exhausted_allowance_stops_shadow_calls() -> None:
    poor = SHADOWED.replace("usd_per_day: 100", "usd_per_day: 0.00000001")

    assert len(shadows(answered(poor, requests=3))) == 1
    assert len(shadows(answered(requests=3))) == 3


def test_an_allowance_starts_empty_and_fills_evenly_over_the_day() -> None:
    allowance = ShadowSpendLimiter(lambda: 1.0)

    assert not allowance.open(DAY_MS, 0)
    assert allowance.open(DAY_MS, 1_000)
    allowance.spent(1_000)
    assert not allowance.open(DAY_MS, 1_000)
    allowance.spent(500)
    assert not allowance.open(DAY_MS, 1_500)
    assert allowance.open(DAY_MS, 1_501)


def test_two_workers_fill_at_the_rate_of_the_partitions_they_own() -> None:
    allowance = ShadowSpendLimiter(lambda: 0.25)
    allowance.open(DAY_MS, 0)
    allowance.open(DAY_MS, 4_000)
    allowance.spent(1_000)

    assert not allowance.open(DAY_MS, 4_000)


def test_an_unused_allowance_accumulates_for_at_most_an_hour() -> None:
    allowance = ShadowSpendLimiter(lambda: 1.0)
    allowance.open(DAY_MS, 0)
    allowance.open(DAY_MS, DAY_MS)
    allowance.spent(MOST_MS)

    assert not allowance.open(DAY_MS, DAY_MS)


def test_a_call_of_unknown_cost_uses_the_remaining_allowance() -> None:
    allowance = ShadowSpendLimiter(lambda: 1.0)
    allowance.open(DAY_MS, 0)
    allowance.open(DAY_MS, MOST_MS)
    allowance.spent(None)

    assert not allowance.open(DAY_MS, MOST_MS)
