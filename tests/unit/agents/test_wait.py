"""Work without capacity waits on the log and blocks no other; an outage loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from schemas.topics import ALERTS, COST, OUTCOMES, dead_letter_topic, tier_topic, wait_topic
from streams.agents.context.tier_records import BOUND_FOR, tier_record
from streams.agents.execute.handler import execute
from streams.agents.wait import wait_out
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import LeftForLaterError, PartitionAssignment, PartitionState, Work
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from streams.routing.decision_inputs import VISITS_CARRIED
from tests.unit.agents.world import REGISTRY, World, deliver

DOWN = ProviderError(ErrorClass.SERVER, "down", status=500)
LIMITED = REGISTRY.replace(
    '{name: one, base_url: "http://localhost/1"}, {name: two, base_url: "http://localhost/2"}',
    '{name: one, base_url: "http://localhost/1", limits: {requests_per_minute: 6}}',
)


def processed(world: World, *messages: Any) -> World:
    async def run() -> None:
        for message in messages or (world.request(),):
            await world.send(message)
        await deliver(world, await world.worker(), set())

    asyncio.run(run())
    return world


def kinds(world: World) -> list[str]:
    return [event["kind"] for event in world.events(OUTCOMES, "OutcomeEvent")]


def outage(until_ms: float, registry: str = REGISTRY) -> World:
    """A world whose provider is down until that time."""
    world = World(registry=registry)
    begun = world.clock.now()
    world.script = lambda call, endpoint: (
        text_answer("Paris.") if world.clock.now() - begun > until_ms else DOWN
    )
    return world


def test_an_outage_is_waited_out_and_the_first_tier_answers_afterwards() -> None:
    world = processed(outage(120_000))

    (reply,) = world.replies()
    assert (reply["status"], reply["tier"]) == ("replied", "simple")
    assert "parked" in kinds(world)


def test_waits_become_longer_and_stay_bounded() -> None:
    world = processed(outage(300_000))
    waited = {delay: len(world.log.values(wait_topic(delay))) for delay in (1, 10, 60)}

    assert waited[1] == waited[10] == 1
    assert 4 <= waited[60] <= 6


def test_an_outage_beyond_the_deadline_gets_a_retryable_error_reply() -> None:
    world = World(script=lambda call, endpoint: DOWN)
    processed(world, world.request(deadline_at=world.clock.now() + 20_000))

    (reply,) = world.replies()
    assert reply["error"]["code"] in {"all_models_failed", "deadline_exceeded"}
    assert reply["error"]["retryable"]


def test_a_policy_that_does_not_wait_fails_at_once() -> None:
    world = processed(outage(60_000, f"{REGISTRY.rstrip()}\n  fallback: {{wait: false}}\n"))

    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("failed", "all_models_failed")
    assert "parked" not in kinds(world)


def test_a_permanent_error_fails_without_waiting() -> None:
    refuses = ProviderError(ErrorClass.AUTH, "no key", status=401)
    world = processed(World(script=lambda call, endpoint: refuses))

    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("failed", "all_models_failed")


def test_an_outage_costs_few_calls() -> None:
    world = processed(outage(300_000))

    assert len(world.events(COST, "CostEvent")) < 40


def test_an_instance_that_is_down_is_reported_once() -> None:
    world = processed(outage(120_000))
    rules = [(alert["rule"], alert["subject"]) for alert in world.events(ALERTS, "Alert")]

    assert ("provider_down", "gpt-4o-mini/one") in rules
    assert len(rules) == len(set(rules))


def test_requests_over_a_rate_limit_wait_on_their_tier() -> None:
    world = World(script=lambda call, endpoint: text_answer("Paris."), registry=LIMITED)
    begun = world.clock.now()
    processed(world, *(world.request(request_id=f"r{n}", offset=n) for n in range(8)))

    assert [reply["tier"] for reply in world.replies()] == ["simple"] * 8
    assert world.clock.now() - begun >= 60_000
    assert "escalated" not in kinds(world)


def test_a_tenant_over_its_limit_waits_while_another_is_served() -> None:
    limited = f"{REGISTRY.rstrip()}\ntenants: {{loud: {{requests_per_minute: 6}}}}\n"
    world = World(script=lambda call, endpoint: text_answer("Paris."), registry=limited)
    loud = [world.request(request_id=f"l{n}", offset=n, tenant="loud") for n in range(4)]
    calm = [world.request(request_id=f"c{n}", offset=9 + n, tenant="calm") for n in range(4)]
    processed(world, *loud, *calm)

    ids = [reply["request_id"] for reply in world.replies()]
    assert {reply["status"] for reply in world.replies()} == {"replied"}
    assert max(ids.index(f"c{n}") for n in range(4)) < min(ids.index(f"l{n}") for n in range(1, 4))


def test_a_rate_limit_beyond_the_deadline_gets_a_no_capacity_reply() -> None:
    world = World(script=lambda call, endpoint: text_answer("Paris."), registry=LIMITED)
    soon = world.clock.now() + 1_500
    processed(world, world.request(deadline_at=soon))

    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("expired", "no_capacity")


def test_a_parked_hop_has_an_outcome_and_returns_as_its_next_visit() -> None:
    world = processed(outage(5_000))
    outcomes = world.events(OUTCOMES, "OutcomeEvent")
    parked = [event for event in outcomes if event["kind"] == "parked"]

    assert [event["visit"] for event in parked] == list(range(len(parked)))
    assert outcomes[-1]["visit"] == len(parked)
    assert all(not event["final"] for event in parked)


def _waiting(world: World, **headers: bytes) -> Incoming:
    return Incoming(
        topic=wait_topic(10),
        partition=0,
        offset=0,
        timestamp=world.clock.now(),
        key=b"default/r1",
        value=b"untouched",
        headers=[
            ("hop", b"0"), ("visit", b"1"), ("origin", b"t:0:1"), ("reply-digest", b"d"),
            *headers.items(),
        ],
    )  # fmt: skip


def _wait(world: World, message: Incoming, assignment: PartitionAssignment | None = None) -> None:
    async def run() -> None:
        work = Work(
            message=message,
            slots=ConcurrencyLimiter(1),
            lane=PartitionState(),
            assignment=assignment,
        )
        await wait_out(work, 10, await world.worker())

    asyncio.run(run())


def test_a_wait_takes_its_topic_s_delay_and_leaves_the_message_as_it_is() -> None:
    world = World()
    begun = world.clock.now()
    _wait(world, _waiting(world, **{BOUND_FOR: b"llm.tier.simple.v1"}))

    (back,) = world.log.incoming(tier_topic("simple"))
    assert back.value == b"untouched"
    assert BOUND_FOR not in dict(back.headers)
    assert world.clock.now() - begun == 10_000


@pytest.mark.parametrize("bound", [b"", b"llm.replies.v1", b"__consumer_offsets", b"\xff"])
def test_a_waiting_message_for_no_tier_is_dead_lettered(bound: bytes) -> None:
    world = World()
    _wait(world, _waiting(world, **{BOUND_FOR: bound}))

    assert len(world.log.values(dead_letter_topic(wait_topic(10)))) == 1


def test_a_worker_that_leaves_hands_its_waiting_messages_on() -> None:
    world, assignment = World(), PartitionAssignment()
    assignment.close()
    with pytest.raises(LeftForLaterError):
        _wait(world, _waiting(world, **{BOUND_FOR: b"llm.tier.simple.v1"}), assignment)

    assert world.log.values(tier_topic("simple")) == []


def test_an_ordinary_hop_is_parked_while_a_priority_hop_waits() -> None:
    async def scenario() -> None:
        world = World(script=lambda call, endpoint: text_answer("Paris."))
        deps = await world.worker()
        await world.send(world.request())
        with deps.calls.priority_gate.waiting("simple"):
            (message,) = world.log.incoming(tier_topic("simple"))
            await execute(
                Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), deps
            )
        assert not world.replies()
        assert kinds(world) == ["parked"]
        await deliver(world, deps, {(tier_topic("simple"), 0)})
        assert len(world.replies()) == 1

    asyncio.run(scenario())


def test_a_waiting_hop_of_a_removed_tier_continues_on_the_last_tier() -> None:
    world = World()
    record = tier_record(world.request(tier="gone", visit=1), Codecs())
    message = replace(
        _waiting(world, **{BOUND_FOR: record.topic.encode()}),
        value=record.value,
        headers=[*record.headers, (BOUND_FOR, record.topic.encode())],
    )
    _wait(world, message)

    (back,) = world.log.incoming(tier_topic("complex"))
    hop = Codecs().tier_message.decode(back.value or b"")
    assert (hop["tier"], hop["visit"], hop["request_id"]) == ("complex", 1, "r1")
    assert BOUND_FOR not in dict(back.headers)


def test_an_unreadable_waiting_hop_of_a_removed_tier_is_dead_lettered() -> None:
    world = World()
    _wait(world, _waiting(world, **{BOUND_FOR: b"llm.tier.gone.v1"}))

    assert len(world.log.values(dead_letter_topic(wait_topic(10)))) == 1


def test_a_hop_that_is_parked_a_hundred_times_does_not_grow() -> None:
    world = outage(until_ms=2 * 3_600_000 + 600_000)
    processed(world, world.request(deadline_at=world.clock.now() + 12 * 3_600_000))

    outcomes = world.events(OUTCOMES, "OutcomeEvent")
    parked = [event for event in outcomes if event["kind"] == "parked"]
    sizes = [len(event["decision"]["inputs"]) for event in parked]
    hops = orjson.loads(outcomes[-1]["decision"]["inputs"])["hops"]
    assert len(parked) > 100
    assert outcomes[-1]["kind"] == "replied"
    assert max(sizes) < 40_000
    assert len(hops) == VISITS_CARRIED + 1
    assert sum(each.get("visits_before", 0) + 1 for each in hops) > 100
