"""A repeated request id gets the first reply again, or the status of the first request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from schemas.identity import DUPLICATE_WINDOW_MS, reply_digest
from schemas.records import Header, TierMessage
from schemas.topics import COST, OUTCOMES, REPLIES
from streams.agents.context.dependencies import Dependencies
from tests.unit.agents.world import World, deliver

MINE = "replies.mine"


def _duplicate(world: World, *, topic: str = REPLIES, correlation: bytes = b"two") -> TierMessage:
    """The same request id from another position of the log, with another correlation id."""
    first = world.request(offset=9)
    address = replace(
        first.reply_to,
        topic=topic,
        headers=(Header(name="correlation-id", value=correlation),),
        digest=reply_digest(topic, correlation),
    )
    return replace(first, reply_to=address)


def _answered(
    world: World,
    *messages: TierMessage,
    restart: bool = False,
    after_first: Callable[[Dependencies], None] = lambda worker: None,
) -> World:
    """The first request is answered, then the messages arrive."""

    async def run() -> None:
        seen: set[int] = set()
        worker = await world.worker()
        for number, message in enumerate((world.request(), *messages)):
            await world.send(message)
            await deliver(world, worker, seen)
            if number == 0:
                after_first(worker)
            if restart:
                worker = await world.worker()

    asyncio.run(run())
    return world


def _replies(world: World, topic: str = REPLIES) -> list[tuple[Any, dict[str, bytes]]]:
    return [
        (orjson.loads(stored.record.value or b""), dict(stored.record.headers))
        for stored in world.log.of(topic)
    ]


def test_a_repetition_gets_the_first_reply_under_its_own_correlation_id() -> None:
    world = World()
    _answered(world, _duplicate(world))
    (first, _), (again, headers) = _replies(world)
    assert again == first
    assert headers["correlation-id"] == b"two"
    assert len(world.served) == 1
    assert len(world.events(COST, "CostEvent")) == 1
    assert [each["kind"] for each in world.events(OUTCOMES, "OutcomeEvent")] == [
        "started",
        "replied",
    ]


def test_a_duplicate_is_answered_on_its_own_reply_topic() -> None:
    world = World()
    _answered(world, _duplicate(world, topic=MINE))
    ((first, _),) = _replies(world)
    ((again, _),) = _replies(world, MINE)
    assert again == first


def test_a_restarted_worker_finds_the_first_reply() -> None:
    world = World()
    _answered(world, _duplicate(world), _duplicate(world, correlation=b"three"), restart=True)
    replies = _replies(world)
    assert len(replies) == 3
    assert all(reply == replies[0][0] for reply, _ in replies)


def test_a_duplicate_whose_first_reply_is_removed_gets_its_status_at_no_cost() -> None:
    world = World()
    _answered(world, _duplicate(world), after_first=lambda worker: world.log.of(REPLIES).clear())
    ((reply, _),) = _replies(world)
    assert reply["status"] == "rejected"
    assert reply["error"]["code"] == "duplicate_request"
    assert "replied" in reply["error"]["message"]
    assert reply["error"]["retryable"] is False
    assert reply["cost_usd"] == 0


def test_another_request_s_reply_at_that_place_is_not_sent() -> None:
    world = World()
    foreign = orjson.dumps({"request_id": "other", "status": "replied"})

    def replace_the_reply(worker: Dependencies) -> None:
        stored = world.log.of(REPLIES)[0]
        world.log.of(REPLIES)[0] = replace(stored, record=replace(stored.record, value=foreign))

    _answered(world, _duplicate(world), after_first=replace_the_reply)
    assert _replies(world)[1][0]["error"]["code"] == "duplicate_request"


def test_a_repetition_with_the_same_correlation_id_and_topic_is_silent() -> None:
    world = World()
    _answered(world, replace(world.request(offset=9)))
    assert len(_replies(world)) == 1


def test_after_its_window_an_id_is_a_new_request() -> None:
    world = World()

    def let_the_window_pass(worker: Dependencies) -> None:
        worker.kafka.journals._followed[0].journal.forget_before(
            world.clock.now() + 2 * DUPLICATE_WINDOW_MS
        )

    _answered(world, _duplicate(world), after_first=let_the_window_pass)
    assert len(world.served) == 2


def test_replies_name_the_tenant() -> None:
    world = World()
    _answered(world)
    assert _replies(world)[0][0]["tenant"] == "default"
