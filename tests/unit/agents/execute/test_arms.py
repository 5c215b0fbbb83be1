"""An experiment's arm decides under its own policy, from classification to the last hop."""

from __future__ import annotations

import asyncio

from schemas.topics import COST, OUTCOMES
from streams.providers.in_memory_provider import text_answer
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from tests.unit.agents.world import REGISTRY, World, deliver

TRIED = f"""{REGISTRY.rstrip()}
experiments:
  lenient:
    arms:
      control: {{weight: 0.000001}}
      treated: {{policy: {{cascade: {{enabled: false}}}}}}
"""
BODY = {"messages": [{"role": "user", "content": "capital?"}]}


def test_a_hop_uses_the_policy_of_the_decided_arm() -> None:
    world = World(script=lambda call, endpoint: text_answer(""), registry=TRIED)

    async def run() -> None:
        deps = await world.worker()
        snapshot = deps.registry.snapshot
        subject = RoutingRequest(body=BODY, tenant="default", user_id="ada")
        decision = decide(subject, snapshot, DecisionContext(now=0, time_left_ms=1))
        assert (decision.experiment, decision.arm) == ("lenient", "treated")
        await world.send(world.request(decision=decision, user_id="ada"))
        await deliver(world, deps, set())

    asyncio.run(run())
    (reply,) = world.replies()
    assert reply["tiers_tried"] == ["simple"], "the arm has no cascade"
    (cost,) = world.events(COST, "CostEvent")
    (_, outcome) = world.events(OUTCOMES, "OutcomeEvent")
    assert (cost["experiment"], cost["arm"]) == ("lenient", "treated")
    assert outcome["decision"]["arm"] == "treated"


def test_a_hop_of_a_removed_arm_uses_the_registry_s_policy() -> None:
    world = World(script=lambda call, endpoint: text_answer(""))

    async def run() -> None:
        decision = world.request().decision
        gone = type(decision)(
            **{name: getattr(decision, name) for name in decision.__slots__}
            | {"experiment": "lenient", "arm": "treated"}
        )
        await world.send(world.request(decision=gone))
        await deliver(world, await world.worker(), set())

    asyncio.run(run())
    (reply,) = world.replies()
    assert reply["tiers_tried"] == ["simple", "moderate", "complex"]
