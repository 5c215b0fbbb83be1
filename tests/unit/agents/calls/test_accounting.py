"""What a worker counts of its work, and what a scrape reads of it while it works."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from prometheus_client import generate_latest

from streams.agents.execute.handler import execute
from streams.flow.concurrency_limiter import ConcurrencyLimiter, PriorityLimiter
from streams.flow.dispatcher import PartitionAssignment, PartitionState, TopicDispatcher, Work
from streams.observability.readings import observe
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from streams.worker.worker_readings import pool_of, readings_of
from tests.unit.agents.test_wait import LIMITED
from tests.unit.agents.world import World, deliver

DOWN = ProviderError(ErrorClass.SERVER, "down", status=500)


def _page(world: World, *requests: dict[str, Any]) -> str:
    """The worker's page of metrics after these requests."""

    async def scenario() -> str:
        deps = await world.worker()
        for number, fields in enumerate(requests):
            await world.send(world.request(request_id=f"r{number}", offset=number, **fields))
        await deliver(world, deps, set())

        async def handler(work: Work) -> None:
            raise AssertionError

        def intake(slots: ConcurrencyLimiter) -> TopicDispatcher:
            return TopicDispatcher(PartitionAssignment(), slots, handler, lambda error: None)

        slots = ConcurrencyLimiter(3)
        await slots.take()
        intakes = {
            "llm.tier.simple.v1": intake(slots),
            "llm.tier.simple.high.v1": intake(PriorityLimiter(slots)),
        }
        registry = deps.observers.metrics.registry
        observe(readings_of(deps, intakes, PartitionAssignment(), dict), registry)
        return generate_latest(registry).decode()

    return asyncio.run(scenario())


def test_calls_outcomes_and_money_are_counted_where_they_are_booked() -> None:
    page = _page(World(), {}, {})
    assert 'sluice_outcomes_total{status="replied",tier="simple"} 2.0' in page
    called = re.findall(
        r'sluice_calls_total{model="gpt-4o-mini",.*?purpose="answer",.*?status="ok"} (\S+)', page
    )
    assert sum(map(float, called)) == 2
    assert 'sluice_spend_nano_usd_total{model="gpt-4o-mini",purpose="answer"}' in page
    assert "sluice_overhead_seconds_count 2.0" in page


def test_parked_and_escalated_hops_are_counted_and_a_parked_request_has_no_overhead() -> None:
    world = World(registry=LIMITED, script=lambda call, endpoint: text_answer(""))
    page = _page(world, *({} for _ in range(3)))
    assert 'sluice_hop_transitions_total{kind="parked",tier="simple"}' in page
    assert 'sluice_hop_transitions_total{kind="escalated",tier="simple"}' in page
    assert "sluice_overhead_seconds_count 3.0" not in page


def test_a_circuit_that_is_open_and_buckets_that_are_empty_are_read() -> None:
    world = World(registry=LIMITED, script=lambda call, endpoint: DOWN)
    page = _page(world, {"deadline_at": world.clock.now() + 3_000})
    assert 'sluice_breaker_state{model="gpt-4o",provider_instance="one"}' in page
    level = (
        'sluice_rate_limit_tokens{bucket="requests",model="gpt-4o-mini",provider_instance="one"}'
    )
    assert level in page
    assert float(page.split(level)[1].split()[0]) < 1.0
    assert "sluice_retries_left" in page


def test_both_topics_of_a_tier_are_one_pool() -> None:
    page = _page(World(), {})
    assert 'sluice_slots{pool="simple"} 3.0' in page
    assert 'sluice_slots_used{pool="simple"} 1.0' in page


@pytest.mark.parametrize(
    ("topic", "pool"),
    [
        ("llm.tier.simple.v1", "simple"),
        ("llm.tier.simple.high.v1", "simple"),
        ("llm.wait.10s.v1", "llm.wait.10s.v1"),
        ("llm.requests.v1", "llm.requests.v1"),
    ],
)
def test_a_pool_has_the_name_of_its_tier_or_topic(topic: str, pool: str) -> None:
    assert pool_of(topic) == pool


def test_a_message_that_was_done_already_counts_as_a_repeat() -> None:
    world = World()

    async def scenario() -> str:
        deps = await world.worker()
        await world.send(world.request())
        await deliver(world, deps, set())
        message = world.log.incoming("llm.tier.simple.v1")[0]
        await execute(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), deps
        )
        return generate_latest(deps.observers.metrics.registry).decode()

    assert 'sluice_duplicates_total{kind="done"} 1.0' in asyncio.run(scenario())
