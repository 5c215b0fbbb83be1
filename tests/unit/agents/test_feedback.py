"""Feedback counts for the request that it refers to, else it is dead-lettered."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from schemas.topics import FEEDBACK, QUALITY, dead_letter_topic
from streams.agents.feedback import UNMATCHED, take_feedback
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from tests.unit.agents.world import World, deliver


def _after_feedback(*requests: tuple[str, str], **feedback: Any) -> World:
    """A world in which these requests (tenant, id) were answered, then feedback arrived."""
    world = World()

    async def run() -> None:
        worker = await world.worker()
        seen: set[int] = set()
        for number, (tenant, request_id) in enumerate(requests, start=1):
            await world.send(world.request(offset=number, request_id=request_id, tenant=tenant))
            await deliver(world, worker, seen)
        message = Incoming(
            topic=FEEDBACK,
            partition=0,
            offset=0,
            timestamp=world.clock.now(),
            key=None,
            value=orjson.dumps({"score": 0.5, **feedback}),
            headers=[],
        )
        await take_feedback(
            Work(message=message, lane=PartitionState(), slots=ConcurrencyLimiter(1)), worker
        )

    asyncio.run(run())
    return world


def _tenants(world: World) -> list[str]:
    events = world.events(QUALITY, "QualityEvent")
    return [event["tenant"] for event in events if event["signal"] == "feedback"]


@pytest.mark.parametrize(
    ("requests", "feedback", "tenant"),
    [
        ((("a", "r1"), ("b", "r2")), {"request_id": "r1", "tenant": "b"}, "b"),
        ((("a", "r1"), ("b", "r2")), {"request_id": "r1"}, "a"),
        ((("a", "r1"), ("b", "r2")), {"request_id": "r2"}, "b"),
        ((("a", "r1"),), {"request_id": "elsewhere"}, "a"),
        ((), {"request_id": "r1"}, "default"),
    ],
)
def test_feedback_counts_for_the_tenant_that_it_can_only_mean(
    requests: tuple[tuple[str, str], ...], feedback: dict[str, Any], tenant: str
) -> None:
    assert _tenants(_after_feedback(*requests, **feedback)) == [tenant]


@pytest.mark.parametrize(
    ("requests", "request_id"),
    [((("a", "r1"), ("b", "r1")), "r1"), ((("a", "r1"), ("b", "r2")), "elsewhere")],
)
def test_feedback_of_an_ambiguous_tenant_is_dead_lettered_with_the_reason(
    requests: tuple[tuple[str, str], ...], request_id: str
) -> None:
    world = _after_feedback(*requests, request_id=request_id)
    assert _tenants(world) == []
    (letter,) = world.log.of(dead_letter_topic(FEEDBACK))
    about = dict(letter.record.headers)
    assert about["dlq-cause"] == UNMATCHED.encode()
    assert b"set `tenant`" in about["dlq-reason"]


@pytest.mark.parametrize("wrong", [{"score": True}, {"score": "0.5"}, {"comment": 5}])
def test_feedback_of_wrong_types_is_dead_lettered(wrong: dict[str, Any]) -> None:
    world = _after_feedback(("a", "r1"), request_id="r1", tenant="a", **wrong)

    assert _tenants(world) == []
    assert len(world.log.of(dead_letter_topic(FEEDBACK))) == 1


def test_a_label_is_stored_without_secrets() -> None:
    world = _after_feedback(
        ("a", "r1"), request_id="r1", tenant="a", label="bob@example.com said so"
    )

    (event,) = [
        each for each in world.events(QUALITY, "QualityEvent") if each["signal"] == "feedback"
    ]
    assert (event["label"], event["name"]) == ("<email> said so", "<email> said so")
