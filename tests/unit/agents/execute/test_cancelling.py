"""Cancelling of a request: one outcome whoever is first, and every call booked once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.kafka.producer import Outgoing
from schemas.errors import RequestCancelledError
from schemas.records import CANCELLED, Failure, TierMessage
from schemas.topics import COST, OUTCOMES, REPLIES, tier_topic
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.agents.execute.handler import execute, give_up_hop
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.flow.handling_retries import HandlingFailure
from streams.journal.in_flight_hops import Cancellation
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from tests.unit.agents.world import REGISTRY, CrashedError, Crashes, World, deliver

ASK = Failure(code=CANCELLED, message="the caller cancels the request", retryable=False)
GOOD = "Paris is the capital of France."


def run(scenario: Any) -> Any:
    return asyncio.run(scenario())


def cancelling(world: World, request: TierMessage, **more: Any) -> TierMessage:
    """The message that cancels a request."""
    source = replace(request.source, offset=9, timestamp=world.clock.now())
    return replace(request, source=source, body=b"", verdict=ASK, tier="simple", **more)


def outcomes(world: World, kind: str | None = None) -> list[dict[str, Any]]:
    found = world.events(OUTCOMES, "OutcomeEvent")
    return [each for each in found if kind is None or each["kind"] == kind]


def finals(world: World) -> list[dict[str, Any]]:
    return [each for each in outcomes(world) if each["final"]]


def booked(world: World) -> list[dict[str, Any]]:
    return world.events(COST, "CostEvent")


def work_of(world: World, topic: str, number: int = -1) -> Work:
    message = world.log.incoming(topic)[number]
    return Work(message=message, slots=ConcurrencyLimiter(4), lane=PartitionState())


def test_a_cancellation_before_the_request_is_read_ends_it_without_a_call() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        await world.send(cancelling(world, request))
        deps = await world.worker()
        acked: set[tuple[str, int]] = set()
        await deliver(world, deps, acked)
        assert world.replies() == []
        await world.send(request)
        await deliver(world, deps, acked)
        (reply,) = world.replies()
        assert (reply["status"], reply["error"]["code"]) == ("rejected", CANCELLED)
        assert reply["error"]["retryable"] is False
        (end,) = finals(world)
        assert (end["kind"], end["error"]["code"]) == ("rejected", CANCELLED)
        assert end["source"]["offset"] == request.source.offset
        assert (end["result"]["calls"], end["result"]["cost_nano"]) == (0, 0)
        assert world.served == []

    run(scenario)


def test_a_cancellation_is_known_after_a_crash() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        await world.send(cancelling(world, request))
        acked: set[tuple[str, int]] = set()
        await deliver(world, await world.worker(), acked)
        await world.send(request)
        await deliver(world, await world.worker("w2"), acked)
        assert finals(world)[0]["kind"] == "rejected"
        assert world.served == []

    run(scenario)


def test_a_cancellation_after_the_reply_changes_nothing() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        await world.send(request)
        deps = await world.worker()
        acked: set[tuple[str, int]] = set()
        await deliver(world, deps, acked)
        before = outcomes(world)
        await world.send(cancelling(world, request))
        await deliver(world, deps, acked)
        assert outcomes(world) == before
        assert [each["status"] for each in world.replies()] == ["replied"]

    run(scenario)


@pytest.mark.parametrize("count", [1, 3])
def test_a_cancellation_interrupts_the_call_which_is_booked_with_unknown_cost(count: int) -> None:
    async def scenario() -> None:
        called, never = asyncio.Event(), asyncio.Event()

        class Slow:
            async def complete(self, call: Any, endpoint: Any) -> Any:
                called.set()
                await never.wait()

        world = World()
        request = world.request()
        await world.send(request)
        deps = await world.worker()
        deps = replace(deps, calls=replace(deps.calls, providers={"scripted": Slow()}))
        running = asyncio.create_task(execute(work_of(world, tier_topic("simple")), deps))
        await called.wait()
        for _ in range(count):
            await world.send(cancelling(world, request))
            await execute(work_of(world, tier_topic("simple")), deps)
        await running
        (reply,) = world.replies()
        assert (reply["error"]["code"], reply["cost_usd"]) == (CANCELLED, None)
        (end,) = finals(world)
        assert (end["kind"], end["result"]["calls"]) == ("rejected", 1)
        assert end["result"]["cost_nano"] is None
        (call,) = booked(world)
        assert (call["status"], call["cost_nano"]) == ("interrupted", None)
        assert deps.calls.open_calls.all() == ()
        assert len(outcomes(world, "cancelling")) == 1

    run(scenario)


def test_no_call_begins_once_the_request_is_cancelled() -> None:
    async def scenario() -> None:
        boom = ProviderError(ErrorClass.SERVER, "boom", status=500)
        world = World(script=lambda call, endpoint: boom)
        request = world.request()
        await world.send(request)
        deps = await world.worker()

        async def pause(milliseconds: float) -> None:
            deps.kafka.in_flight.cancel(request.key)

        deps = replace(deps, calls=replace(deps.calls, sleep_ms=pause))
        await execute(work_of(world, tier_topic("simple")), deps)
        (call,) = booked(world)
        assert call["status"] == "server"
        assert len(outcomes(world, "started")) == 1
        assert [each["error"]["code"] for each in finals(world)] == [CANCELLED]

    run(scenario)


def test_an_answer_that_is_not_sent_yet_is_not_sent_after_the_cancellation() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        await world.send(request)
        deps = await world.worker()

        class Watched:
            async def publish(self, record: Outgoing) -> Any:
                if record.topic == COST:
                    deps.kafka.in_flight.cancel(request.key)
                return await world.log.publish(record)

            reply = publish

        watched = replace(deps, kafka=replace(deps.kafka, publisher=Watched()))
        await execute(work_of(world, tier_topic("simple")), watched)
        (call,) = booked(world)
        assert call["status"] == "ok"
        (reply,) = world.replies()
        assert (reply["error"]["code"], reply["message"]) == (CANCELLED, None)
        (end,) = finals(world)
        assert (end["kind"], end["result"]["cost_nano"]) == ("rejected", call["cost_nano"])

    run(scenario)


def test_a_request_that_waits_for_capacity_keeps_the_costs_of_its_calls() -> None:
    async def scenario() -> None:
        world = World(script=lambda call, endpoint: text_answer(""))
        request = world.request()
        await world.send(request)
        deps = await world.worker()
        await execute(work_of(world, tier_topic("simple")), deps)
        assert outcomes(world, "escalated")
        await world.send(cancelling(world, request))
        await execute(work_of(world, tier_topic("simple")), deps)
        await execute(work_of(world, tier_topic("moderate")), deps)
        (end,) = finals(world)
        assert (end["kind"], end["error"]["code"], end["hop"]) == ("rejected", CANCELLED, 1)
        assert end["result"]["calls"] == len(booked(world)) == len(world.served) > 0
        cost = sum(each["cost_nano"] for each in booked(world))
        assert end["result"]["cost_nano"] == cost > 0

    run(scenario)


def test_a_cancellation_ends_with_the_deadline_and_does_not_touch_a_later_request() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        deps = await world.worker()
        acked: set[tuple[str, int]] = set()
        late = cancelling(world, request, deadline_at=world.clock.now())
        await world.send(late)
        await deliver(world, deps, acked)
        assert outcomes(world) == []
        await world.send(cancelling(world, request))
        await deliver(world, deps, acked)
        world.clock.advance(16 * 60_000)
        await world.send(world.request(offset=20))
        await deliver(world, deps, acked)
        assert [each["status"] for each in world.replies()] == ["replied"]

    run(scenario)


def test_another_request_is_not_cancelled() -> None:
    async def scenario() -> None:
        world = World()
        await world.send(cancelling(world, world.request()))
        await world.send(world.request(request_id="r2", offset=2))
        await world.send(world.request(tenant="other", offset=3))
        await deliver(world, await world.worker(), set())
        assert [each["status"] for each in world.replies()] == ["replied", "replied"]

    run(scenario)


def test_a_cancellation_whose_handling_fails_ends_no_request() -> None:
    async def scenario() -> None:
        world = World()
        request = world.request()
        await world.send(cancelling(world, request))
        deps = await world.worker()
        fault = HandlingFailure(reason="x")
        await give_up_hop(work_of(world, tier_topic("simple")), fault, deps)
        await world.send(request)
        await execute(work_of(world, tier_topic("simple")), deps)
        assert [each["status"] for each in world.replies()] == ["replied"]

    run(scenario)


def test_a_shadow_call_is_not_interrupted_by_a_late_cancellation() -> None:
    async def scenario() -> None:
        registry = f"{REGISTRY.rstrip()}\n  shadow: {{share: 1.0, usd_per_day: 1000000}}\n"
        world = World(registry=registry)
        request = world.request()
        deps = await world.worker()
        requests = iter([False, True])

        def answer(call: Any, endpoint: Any) -> Any:
            if next(requests, False):
                deps.kafka.in_flight.cancel(request.key)
            return text_answer(GOOD)

        world.script = answer
        await world.send(request)
        await execute(work_of(world, tier_topic("simple")), deps)
        assert [each["purpose"] for each in booked(world)] == ["answer", "shadow"]
        assert {each["status"] for each in booked(world)} == {"ok"}
        assert [each["kind"] for each in finals(world)] == ["replied"]

    run(scenario)


ANSWERS = {
    "good": lambda: text_answer(GOOD),
    "empty": lambda: text_answer(""),
    "server": lambda: ProviderError(ErrorClass.SERVER, "boom", status=500),
}
LONGEST_LEASE_MS = 120_000


async def lived(
    crashes: list[tuple[int, bool]], same_worker: bool, answers: list[str], place: int, count: int
) -> World:
    """A request and its cancellations, put on the log before, behind or amid it, and workers that
    crash.
    """
    script = iter(answers)
    world = World(script=lambda call, endpoint: ANSWERS[next(script, "good")]())
    request = world.request()
    messages = [request]
    for _ in range(count):
        messages.insert(min(place, len(messages)), cancelling(world, request))
    sent = iter(messages)
    await world.send(next(sent))
    acked: set[tuple[str, int]] = set()
    for number, (step, after_effect) in enumerate(crashes):
        name = "w1" if same_worker else f"w{number + 2}"
        deps = await world.worker(name, Crashes(at=step, after_effect=after_effect))
        try:
            await deliver(world, deps, acked)
        except CrashedError:
            world.clock.advance(50)
        for message in sent:
            await world.send(message)
            break
    for message in sent:
        await world.send(message)
    last = await world.worker("w1")
    await deliver(world, last, acked)
    world.clock.advance(LONGEST_LEASE_MS)
    for partition, calls in last.kafka.journals.orphans().items():
        await book_interrupted(partition, calls, last.kafka)
    return world


@settings(max_examples=250, deadline=None)
@given(
    crashes=st.lists(st.tuples(st.integers(1, 14), st.booleans()), max_size=3),
    same_worker=st.booleans(),
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=6),
    place=st.integers(0, 2),
    count=st.integers(1, 2),
)
def test_whatever_crashes_a_cancelled_request_ends_once_and_its_calls_are_booked_once(
    crashes: list[tuple[int, bool]],
    same_worker: bool,
    answers: list[str],
    place: int,
    count: int,
) -> None:
    world = asyncio.run(lived(crashes, same_worker, answers, place, count))
    ends = finals(world)
    assert len(ends) == 1
    codes = {reply["error"]["code"] for reply in world.replies() if reply["error"]}
    assert world.replies()
    assert world.replies(REPLIES)[-1]["status"] == ends[-1]["kind"]
    assert codes <= {CANCELLED, "all_models_failed", "internal_error"}
    started = [each["call_id"] for each in outcomes(world, "started")]
    counts = Counter(each["call_id"] for each in booked(world))
    assert set(world.served) <= set(started)
    assert set(counts) == set(started)
    assert set(counts.values()) <= {1}
    if place == 0:
        assert (ends[0]["kind"], world.served) == ("rejected", [])


@pytest.mark.parametrize("others_want_it", [False, True])
def test_only_the_wait_for_a_provider_is_interrupted(others_want_it: bool) -> None:
    async def scenario() -> None:
        asked = Cancellation()

        async def calling() -> None:
            with asked.interrupting():
                await asyncio.Event().wait()

        task = asyncio.create_task(calling())
        await asyncio.sleep(0)
        asked.ask()
        if others_want_it:
            task.cancel()
        wanted = asyncio.CancelledError if others_want_it else RequestCancelledError
        with pytest.raises(wanted):
            await task
        with pytest.raises(RequestCancelledError), asked.interrupting():
            raise AssertionError

    run(scenario)
