"""A message whose handling fails ends once, its calls are booked, and its partition continues."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from core.kafka.producer import Outgoing
from schemas.errors import DeliveryError
from schemas.topics import (
    ALERTS,
    COST,
    FEEDBACK,
    OUTCOMES,
    QUALITY,
    REQUESTS,
    dead_letter_topic,
    tier_topic,
    wait_topic,
)
from streams.agents import feedback, wait
from streams.agents.calls import provider_call
from streams.agents.calls.interrupted_calls import book_open_calls
from streams.agents.classify import handler as classify
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.tier_records import BOUND_FOR, tier_record, wait_record
from streams.agents.execute import attempts
from streams.agents.handlers import Handlers
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import (
    Handler,
    LeftForLaterError,
    PartitionAssignment,
    PartitionState,
    TopicDispatcher,
    Work,
)
from streams.offset_metadata.retry_count import MOST_TRIES
from tests.unit.agents.world import (
    DELAYS,
    WORK_TOPICS,
    CrashedError,
    World,
)

POISON = "poison"


class DefectError(Exception):
    """An unexpected error; its text must never be published."""


class Defect:
    """Wraps a function so that it fails, the first `times` times, or each time."""

    def __init__(self, times: int = 10**6, *, after: bool = False) -> None:
        self.left = times
        self.after = after

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def failing(*arguments: Any, **more: Any) -> Any:
            if self.left and not self.after:
                self.left -= 1
                raise DefectError(f"it quotes the {POISON}")
            result = await function(*arguments, **more)
            if self.left:
                self.left -= 1
                raise DefectError(f"it quotes the {POISON}")
            return result

        return failing


async def work_off(world: World, deps: Dependencies, acked: set[tuple[str, int]]) -> None:
    """Every message of every topic through a worker's own handlers, until none is left."""
    handlers = Handlers(deps)
    by_topic: dict[str, Handler] = {
        REQUESTS: handlers.requests,
        FEEDBACK: handlers.feedback,
        **dict.fromkeys(WORK_TOPICS, handlers.hops),
        **{topic: handlers.waiting(delay_s) for topic, delay_s in DELAYS.items()},
    }
    slots = ConcurrencyLimiter(4)
    while open_ := [
        message
        for topic in by_topic
        for message in world.log.incoming(topic)
        if (message.topic, message.offset) not in acked
    ]:
        for message in open_:
            await slots.take()
            await by_topic[message.topic](Work(message=message, slots=slots, lane=PartitionState()))
            slots.give_back()
            acked.add((message.topic, message.offset))


def processed(world: World, *records: Outgoing) -> Dependencies:
    async def run() -> Dependencies:
        for record in records:
            await world.log.publish(record)
        deps = await world.worker()
        await work_off(world, deps, set())
        return deps

    return asyncio.run(run())


def request(name: str = "r1") -> Outgoing:
    value = orjson.dumps({"prompt": POISON, "request_id": name, "tier": "simple"})
    return Outgoing(topic=REQUESTS, key=None, value=value, headers=[("correlation-id", b"c")])


def hop(world: World, **more: Any) -> Outgoing:
    return tier_record(
        world.request(prompt=POISON, **more), (asyncio.run(world.worker())).kafka.codecs
    )


def ends(world: World) -> list[dict[str, Any]]:
    return [event for event in world.events(OUTCOMES, "OutcomeEvent") if event["final"]]


def ended_once_as_failed(world: World, topic: str, value: bytes | None) -> dict[str, Any]:
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("failed", "internal_error")
    assert reply["error"]["retryable"] is False
    (end,) = ends(world)
    assert (end["kind"], end["error"]["code"]) == ("failed", "internal_error")
    (dead,) = world.log.of(dead_letter_topic(topic))
    assert dead.record.value == value
    assert dict(dead.record.headers)["dlq-cause"] == b"internal_error"
    (alert,) = world.events(ALERTS, "Alert")
    assert (alert["rule"], alert["subject"]) == ("handling_failed", topic)
    published = alert["message"] + dict(dead.record.headers)["dlq-reason"].decode()
    assert POISON not in published
    return end


def calls_are_booked(world: World) -> list[dict[str, Any]]:
    booked = world.events(COST, "CostEvent")
    started = [
        event["call_id"]
        for event in world.events(OUTCOMES, "OutcomeEvent")
        if event["kind"] == "started"
    ]
    assert sorted(event["call_id"] for event in booked) == sorted(started)
    return booked


@pytest.mark.parametrize("name", ["decide", "check_request", "tier_record"])
def test_a_request_that_can_t_be_classified_ends_as_failed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, tries = World(), 0
    good = getattr(classify, name)

    def broken(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= MOST_TRIES:
            raise DefectError(POISON)
        return good(*arguments)

    monkeypatch.setattr(classify, name, broken)
    record = request()
    deps = processed(world, record)

    ended_once_as_failed(world, REQUESTS, record.value)
    assert deps.observers.metrics.handling_failures.of(REQUESTS)._value.get() == MOST_TRIES


def test_a_hop_that_can_t_be_executed_fails_with_the_cost_of_its_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "evaluate_answer", Defect().wrap(attempts.evaluate_answer))
    world = World()
    record = hop(world)
    processed(world, record)

    end = ended_once_as_failed(world, record.topic, record.value)
    booked = calls_are_booked(world)
    assert [event["status"] for event in booked] == ["ok"] * MOST_TRIES
    assert end["result"]["cost_nano"] == sum(event["cost_nano"] for event in booked)
    assert end["result"]["calls"] == MOST_TRIES


def test_a_call_whose_booking_fails_is_booked_as_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider_call, "book_call", Defect().wrap(provider_call.book_call))
    world = World()
    record = hop(world)
    processed(world, record)

    end = ended_once_as_failed(world, record.topic, record.value)
    assert [event["status"] for event in calls_are_booked(world)] == ["interrupted"] * MOST_TRIES
    assert end["result"]["cost_nano"] is None


def test_a_call_that_was_booked_before_the_failure_is_booked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        provider_call, "book_call", Defect(1, after=True).wrap(provider_call.book_call)
    )
    world = World()
    processed(world, hop(world))

    booked = calls_are_booked(world)
    assert [event["status"] for event in booked] == ["ok", "ok"]
    (end,) = ends(world)
    assert end["result"]["cost_nano"] == sum(event["cost_nano"] for event in booked)


def test_a_failure_that_passes_is_tried_again_and_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "evaluate_answer", Defect(2).wrap(attempts.evaluate_answer))
    world = World()
    processed(world, hop(world))

    (reply,) = world.replies()
    (end,) = ends(world)
    assert (reply["status"], end["kind"]) == ("replied", "replied")
    assert end["result"]["cost_nano"] == sum(
        event["cost_nano"] for event in calls_are_booked(world)
    )
    assert world.events(ALERTS, "Alert") == []


def test_a_hop_that_can_t_wait_ends_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(message: Incoming) -> str:
        raise DefectError(POISON)

    monkeypatch.setattr(wait, "_bound_for", broken)
    world = World()
    record = wait_record(hop(world, visit=1), 1, 0)
    processed(world, record)

    ended_once_as_failed(world, wait_topic(1), record.value)
    assert dict(record.headers)[BOUND_FOR] == tier_topic("simple").encode()


def test_feedback_whose_handling_fails_is_dead_lettered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "_read", Defect().wrap(feedback._read))
    world = World()
    value = orjson.dumps({"request_id": "r", "tenant": "t", "comment": POISON})
    processed(world, Outgoing(topic=FEEDBACK, key=None, value=value))

    (dead,) = world.log.of(dead_letter_topic(FEEDBACK))
    assert dead.record.value == value
    assert [alert["rule"] for alert in world.events(ALERTS, "Alert")] == ["handling_failed"]
    assert world.log.of(QUALITY) == []


def test_a_hop_that_has_ended_is_not_ended_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.agents.execute.handler.draw_shadow", lambda *_: object())

    async def broken(*_: Any) -> None:
        raise DefectError(POISON)

    monkeypatch.setattr("streams.agents.execute.handler.make_shadow", broken)
    world = World()
    processed(world, hop(world))

    assert [end["kind"] for end in ends(world)] == ["replied"]
    assert world.events(ALERTS, "Alert") == []


def test_a_broker_rejection_is_not_attributed_to_the_message() -> None:
    world = World()
    world.log.broken.add(COST)
    with pytest.raises(DeliveryError):
        processed(world, hop(world))
    assert (ends(world), world.events(ALERTS, "Alert")) == ([], [])


def test_a_message_of_a_lost_partition_is_handled_by_its_next_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    record = hop(world)
    lane = PartitionState()

    async def lost(*_: Any) -> None:
        lane.lost = True
        raise DefectError

    monkeypatch.setattr(attempts, "evaluate_answer", lost)

    async def run() -> None:
        await world.log.publish(record)
        deps = await world.worker()
        (message,) = world.log.incoming(record.topic)
        slots = ConcurrencyLimiter(1)
        await slots.take()
        with pytest.raises(LeftForLaterError):
            await Handlers(deps).hops(Work(message=message, slots=slots, lane=lane))

    asyncio.run(run())
    assert (ends(world), world.events(ALERTS, "Alert")) == ([], [])


def test_the_partition_continues_after_a_failed_message() -> None:
    released: list[int] = []

    class Event:
        def __init__(self, offset: int) -> None:
            self.offset = offset

        def ack(self) -> None:
            released.append(self.offset)

    async def run() -> None:
        from streams.flow.handling_retries import bounded

        async def handler(work: Work) -> None:
            if work.message.offset == 1:
                raise DefectError

        async def nothing(*_: Any) -> None:
            return

        assignment = PartitionAssignment()
        assignment.assign([("t", 0)])
        fatal: list[BaseException] = []
        wrapped = bounded(handler, nothing, sleep_ms=nothing)
        intake = TopicDispatcher(assignment, ConcurrencyLimiter(2), wrapped, fatal.append)
        for offset in range(4):
            message = Incoming(
                topic="t", partition=0, offset=offset, timestamp=0, key=None, value=None
            )
            await intake.take(message, Event(offset))
        await intake.drained()
        assert fatal == []

    asyncio.run(run())
    assert released == [0, 1, 2, 3]


def kill(world: World, name: str, *, in_order: bool = False) -> None:
    """A worker that ends while its first call is at the provider."""
    good = world.script

    def crash(*_: Any) -> Any:
        raise CrashedError

    async def run() -> None:
        deps = await world.worker(name)
        with pytest.raises(CrashedError):
            await work_off(world, deps, set())
        if in_order:
            await book_open_calls(deps.calls, deps.kafka)

    world.script = crash
    asyncio.run(run())
    world.script = good
    world.clock.advance(120_000)


async def _publish(world: World, record: Outgoing) -> None:
    await world.log.publish(record)


@pytest.mark.parametrize("names", [("w1", "w1"), ("w2", "w3")])
def test_a_hop_that_cost_two_workers_is_not_tried_again(names: tuple[str, str]) -> None:
    world = World()
    record = hop(world, deadline_at=world.clock.now() + 3_600_000)
    asyncio.run(_publish(world, record))
    for name in names:
        kill(world, name)
    processed(world)

    end = ended_once_as_failed(world, record.topic, record.value)
    assert len(world.served) == 2
    assert [event["status"] for event in calls_are_booked(world)] == ["interrupted"] * 2
    assert end["error"]["code"] == "internal_error"


def test_a_hop_that_cost_one_worker_is_answered() -> None:
    world = World()
    asyncio.run(_publish(world, hop(world, deadline_at=world.clock.now() + 3_600_000)))
    kill(world, "w2")
    processed(world)

    assert [end["kind"] for end in ends(world)] == ["replied"]


def test_workers_that_left_in_order_do_not_count() -> None:
    world = World()
    asyncio.run(_publish(world, hop(world, deadline_at=world.clock.now() + 3_600_000)))

    for name in ("w2", "w3", "w4"):
        kill(world, name, in_order=True)
    processed(world)

    assert [end["kind"] for end in ends(world)] == ["replied"]
    assert len(calls_are_booked(world)) == 4
