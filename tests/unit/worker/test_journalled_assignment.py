"""Partitions are opened once their journals can be read; a missing topic ends no worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

import pytest

from schemas.errors import KafkaAwayError, TopicError
from streams.worker.journalled_assignment import JournalledAssignment

MISSING = TopicError("llm.events.outcomes.v1 does not exist; create it: sluice topics create")


class Topics:
    """Journals that raise these errors, one at each attempt, before they can be read."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.read: list[Collection[int]] = []

    async def assign(self, partitions: Collection[int]) -> None:
        await asyncio.sleep(0)
        if self._errors:
            raise self._errors.pop(0)
        self.read.append(partitions)


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


class World:
    def __init__(self, *errors: Exception) -> None:
        self.topics: Any = Topics(*errors)
        self.opened: list[str] = []
        self.ended: list[asyncio.Task[None]] = []
        self.assignment = JournalledAssignment(self.topics, self.ended.append, _no_sleep)

    async def take(self, name: str, *owned: int) -> None:
        await self.assignment.take(owned, lambda: self.opened.append(name))


async def _turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_an_assignment_whose_journals_can_be_read_is_open_at_once() -> None:
    world = World()
    asyncio.run(world.take("first", 0, 1))
    assert world.opened == ["first"]
    assert world.topics.read == [(0, 1)]
    assert world.assignment.fault is None


def test_a_missing_topic_is_named_once_and_work_goes_on_when_it_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(*[MISSING] * 5)

    async def scenario() -> None:
        await world.take("first", 0)
        assert world.assignment.fault == str(MISSING)
        assert not world.opened
        await _turns()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert world.opened == ["first"]
    assert world.assignment.fault is None
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert errors == [f"the assigned partitions stay closed: {MISSING}"]
    assert [each.exception() for each in world.ended] == [None]


def test_a_revoked_assignment_is_opened_no_more() -> None:
    world = World(MISSING)

    async def scenario() -> None:
        await world.take("first", 0)
        world.assignment.revoke()
        await _turns()
        assert not world.opened
        await world.take("second", 1)

    asyncio.run(scenario())
    assert world.opened == ["second"]
    assert world.topics.read == [(1,)]
    assert [each.cancelled() for each in world.ended] == [True]


def test_another_error_ends_the_worker_at_once_and_later() -> None:
    with pytest.raises(KafkaAwayError):
        asyncio.run(World(KafkaAwayError("gone")).take("first", 0))
    world = World(MISSING, KafkaAwayError("gone"))

    async def scenario() -> None:
        await world.take("first", 0)
        await _turns()

    asyncio.run(scenario())
    assert [type(each.exception()) for each in world.ended] == [KafkaAwayError]
