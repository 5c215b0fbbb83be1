"""Commits with marks, to a broker in memory whose topics are deleted and recreated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaConnectionError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams.membership import group_marks
from streams.membership.group_marks import GroupMarks
from streams.membership.topic_ids import TopicShape
from streams.offset_metadata.delivery_attempts import DeliveryAttempts

STAYS, GOES = ("stays", 0), ("goes", 1)


class _Broker:
    """The used parts of aiokafka's consumer, coordinator and client, with a broker in memory."""

    def __init__(self) -> None:
        self.there = {
            "stays": TopicShape(id="s", partitions=1),
            "goes": TopicShape(id="g", partitions=2),
        }
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self.errors: list[Exception] = []
        self.ends = 100
        places = {TopicPartition(*STAYS), TopicPartition(*GOES)}
        self.given = SimpleNamespace(active=True, tps=places)
        self._client = self._coordinator = self
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=self.given))
        self._commit_lock = asyncio.Lock()
        self.on_offsets = lambda: None

    async def ensure_coordinator_known(self) -> None:
        pass

    async def _do_commit_offsets(
        self, assignment: Any, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        if self.errors:
            raise self.errors.pop(0)
        unknown = False
        for place, offset in offsets.items():
            shape = self.there.get(place.topic)
            if shape is None or place.partition >= shape.partitions:
                unknown = True
            else:
                self.committed[place] = offset
        if unknown:
            raise UnknownTopicOrPartitionError

    async def fetch_committed_offsets(self, places: list[TopicPartition]) -> Any:
        return {place: self.committed[place] for place in places if place in self.committed}

    async def _offsets(self, places: list[TopicPartition], offset: int) -> dict[Any, int]:
        self.on_offsets()
        if any(place.topic not in self.there for place in places):
            raise UnknownTopicOrPartitionError
        return dict.fromkeys(places, offset)

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[Any, int]:
        return await self._offsets(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[Any, int]:
        return await self._offsets(places, self.ends)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> _Broker:
    found = _Broker()

    async def shapes(client: Any, topics: Any) -> Mapping[str, TopicShape]:
        return {name: each for name, each in found.there.items() if name in topics}

    monkeypatch.setattr(group_marks, "topic_shapes", shapes)
    monkeypatch.setattr(group_marks, "AGAIN_S", 0.0)
    return found


def _marks() -> GroupMarks:
    return GroupMarks(DeliveryAttempts("i"))


async def _taken_over(broker: _Broker, marks: GroupMarks) -> None:
    await marks.take_over(broker, broker.given.tps)


def _offsets(broker: _Broker) -> dict[tuple[str, int], int]:
    return {tuple(place): each.offset for place, each in broker.committed.items()}


def test_offsets_of_a_deleted_topic_block_no_commit_of_others(broker: _Broker) -> None:
    async def case() -> None:
        marks = _marks()
        await _taken_over(broker, marks)
        del broker.there["goes"]
        await marks.commit(broker, {STAYS: 5, GOES: 7})
        assert _offsets(broker)[STAYS] == 5
        await marks.give_up(broker)
        assert '"holder":""' in broker.committed[TopicPartition(*STAYS)].metadata

    asyncio.run(asyncio.wait_for(case(), 5))


def test_a_partition_missing_from_a_recreated_topic_blocks_no_commit_of_others(
    broker: _Broker,
) -> None:
    async def case() -> None:
        marks = _marks()
        await _taken_over(broker, marks)
        broker.there["goes"] = TopicShape(id="h", partitions=1)
        await marks.commit(broker, {STAYS: 5, GOES: 7})

    asyncio.run(asyncio.wait_for(case(), 5))
    assert _offsets(broker)[STAYS] == 5


def test_a_commit_is_retried_until_it_succeeds(broker: _Broker) -> None:
    broker.errors = [UnknownTopicOrPartitionError(), KafkaConnectionError()]

    async def case() -> None:
        await _marks().commit(broker, {STAYS: 5})

    asyncio.run(asyncio.wait_for(case(), 5))
    assert _offsets(broker) == {STAYS: 5}


def test_a_commit_fails_on_a_rebalance(broker: _Broker) -> None:
    async def commit() -> None:
        await _marks().commit(broker, {STAYS: 5})

    broker.errors = [IllegalGenerationError()]
    with pytest.raises(CommitFailedError):
        asyncio.run(commit())
    broker.given.active = False
    with pytest.raises(CommitFailedError):
        asyncio.run(commit())


def test_a_topic_deleted_while_it_is_taken_over_leaves_the_marks_of_others(
    broker: _Broker,
) -> None:
    def deleted() -> None:
        broker.there.pop("goes", None)

    async def case() -> GroupMarks:
        marks = _marks()
        broker.on_offsets = deleted
        await _taken_over(broker, marks)
        return marks

    asyncio.run(asyncio.wait_for(case(), 5))
    assert '"topic":"s"' in broker.committed[TopicPartition(*STAYS)].metadata


def test_a_recreated_topic_is_committed_at_its_beginning(broker: _Broker) -> None:
    async def case() -> None:
        marks = _marks()
        await _taken_over(broker, marks)
        await marks.commit(broker, {STAYS: 40, GOES: 40})
        broker.there["goes"] = TopicShape(id="h", partitions=2)
        await _taken_over(broker, _marks())

    asyncio.run(asyncio.wait_for(case(), 5))
    assert _offsets(broker) == {STAYS: 40, GOES: 0}


def test_a_gap_is_passed_over_only_where_all_before_it_is_committed(broker: _Broker) -> None:
    async def case() -> None:
        marks = _marks()
        await _taken_over(broker, marks)
        assert marks.committed(STAYS) == 0
        await marks.pass_over(broker, STAYS, 3, 9)
        assert marks.committed(STAYS) == 0
        await marks.pass_over(broker, STAYS, 0, 9)
        assert marks.committed(STAYS) == 9

    asyncio.run(asyncio.wait_for(case(), 5))
    assert _offsets(broker)[STAYS] == 9
