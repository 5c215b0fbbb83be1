"""The result of a request under an exhausted budget: rejected, downgraded, or degraded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson

from schemas.topics import COST, tier_topic
from streams.agents.execute.handler import execute
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from tests.unit.agents.world import REGISTRY, World, deliver


def _processed(budget: str, *requests: dict[str, Any], script: Any = None) -> World:
    world = World(registry=f"{REGISTRY}\nbudgets:\n  b: {budget}\n")
    if script is not None:
        world.script = script

    async def run() -> None:
        worker = await world.worker()
        for number, fields in enumerate(requests):
            await world.send(world.request(request_id=f"r{number}", offset=number + 1, **fields))
            await deliver(world, worker, set())

    asyncio.run(run())
    return world


def _codes(world: World) -> list[str | None]:
    return [(each["error"] or {}).get("code") for each in world.replies()]


def test_an_exhausted_tenant_budget_rejects_with_the_time_to_retry() -> None:
    budget = "{per: tenant, usd: 0.000000001, then: reject}"
    world = _processed(budget, {})

    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("rejected", "budget_exceeded")
    assert reply["error"]["retryable"]
    assert "budget b; send it again after" in reply["error"]["message"]
    assert world.served == []


def test_calls_of_a_worker_count_before_they_are_read_back() -> None:
    budget = "{per: tenant, usd: 0.0002, then: reject}"
    world = _processed(budget, *({} for _ in range(12)))

    assert _codes(world)[0] is None
    assert _codes(world)[-1] == "budget_exceeded"
    assert len(world.served) == _codes(world).count(None)


def test_a_downgrade_calls_the_cheapest_tier() -> None:
    budget = "{per: tenant, usd: 0.000000001, then: downgrade}"
    world = _processed(budget, {"tier": "complex"})

    (reply,) = world.replies()
    assert (reply["status"], reply["tier"]) == ("replied", "simple")


def test_a_downgrade_replaces_no_pinned_model() -> None:
    decision = replace(World().request().decision, tier="complex", model="opus")
    budget = "{per: tenant, usd: 0.000000001, then: downgrade}"
    world = _processed(budget, {"tier": "complex", "decision": decision})

    assert _codes(world) == ["budget_exceeded"]


def test_a_low_confidence_answer_is_sent_degraded_if_the_budget_forbids_escalation() -> None:
    budget = "{per: tenant, usd: 0.003, then: downgrade}"
    world = _processed(budget, {}, script=lambda call, endpoint: text_answer(""))

    (reply,) = world.replies()
    assert reply["status"] == "replied"
    assert reply["degraded"]


def test_a_budget_of_one_model_does_not_limit_others() -> None:
    budget = "{per: model, match: {model: [gpt-4o-mini]}, usd: 0.000000001, then: reject}"
    world = _processed(budget, {})

    (reply,) = world.replies()
    assert (reply["status"], reply["tier"]) == ("replied", "moderate")


def test_a_call_of_unknown_cost_is_booked_with_what_it_was_expected_to_cost() -> None:
    down = ProviderError(ErrorClass.TIMEOUT, "too slow")
    world = _processed(
        "{per: tenant, usd: 1, then: reject}", {}, script=lambda call, endpoint: down
    )
    event = world.events(COST, "CostEvent")[0]

    assert event["cost_nano"] is None
    assert event["expected_nano"] > 0


def test_the_budget_verdict_is_in_the_decision_s_inputs() -> None:
    world = _processed("{per: tenant, usd: 1, then: reject}", {})
    (final,) = [
        each for each in world.events("llm.events.outcomes.v1", "OutcomeEvent") if each["final"]
    ]

    assert '"verdict":"allowed"' in final["decision"]["inputs"].replace(" ", "")


def test_polls_of_a_yielding_hop_add_nothing_to_the_decision() -> None:
    """A yielding hop polls every 50 ms, and checks the budgets each time."""
    world = World(registry=f"{REGISTRY}\nbudgets:\n  b: {{per: tenant, usd: 1, then: reject}}\n")

    async def run() -> None:
        worker = await world.worker()
        await world.send(world.request())
        (message,) = world.log.incoming(tier_topic("simple"))
        with worker.calls.priority_gate.waiting("simple"):
            await execute(
                Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), worker
            )

    asyncio.run(run())
    (parked,) = world.events("llm.events.outcomes.v1", "OutcomeEvent")
    assert parked["kind"] == "parked"
    (hop,) = orjson.loads(parked["decision"]["inputs"])["hops"]
    assert len(hop["steps"]) == 2
