"""The fetcher on a scripted source: what no broker shows on order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaError

from core.kafka.fetch_source import Batch, FetchedRecord, PartitionBatch
from core.kafka.fetcher import LibrdkafkaFetcher

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


class InMemorySource:
    """A source that records its orders; a test supplies the batches."""

    def __init__(self, arrived: Callable[[int, Batch], None]) -> None:
        self._arrived = arrived
        self.generation = 0
        self.assigned: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.failure: Exception | None = None

    def assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        self.generation, self.assigned = generation, dict(offsets)

    def pause(self, places: Collection[TopicPartition]) -> None:
        self.paused.update(places)

    def resume(self, places: Collection[TopicPartition]) -> None:
        self.paused.difference_update(places)

    def taken(self) -> None:
        """Nothing waits."""

    def highwater(self, place: TopicPartition) -> int | None:
        return None

    async def close(self) -> None:
        """Nothing to end."""

    def give(self, place: TopicPartition, *offsets: int, generation: int | None = None) -> None:
        records = [
            FetchedRecord(place.topic, place.partition, offset, 0, 0, None, b"v", ())
            for offset in offsets
        ]
        batch = {place: PartitionBatch(records=records, next_offset=offsets[-1] + 1)}
        self._arrived(self.generation if generation is None else generation, batch)


class Scene:
    """A fetcher, its source and its subscription."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        client: Any = SimpleNamespace(_loop=loop, _metadata_max_age_ms=1000)
        self.subscription = SubscriptionState()
        self.sources: list[InMemorySource] = []

        def open_source(arrived: Callable[[int, Batch], None]) -> InMemorySource:
            self.sources.append(InMemorySource(arrived))
            return self.sources[0]

        self.fetcher = LibrdkafkaFetcher(client, self.subscription, open_source=open_source)
        self.source = self.sources[0]

    async def assigned(self, **offsets: int) -> None:
        """Assign partitions 0 and 1 from these offsets."""
        self.subscription.assign_from_user([A, B])
        self.fetcher.seek_to(A, offsets["a"])
        self.fetcher.seek_to(B, offsets["b"])
        await self.settled()

    async def settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def offsets(self, *places: TopicPartition) -> list[int]:
        found = await self.fetcher.fetched_records(places, timeout=0)
        return [record.offset for records in found.values() for record in records]


def _run(case: Callable[[Scene], Any]) -> None:
    async def scenario() -> None:
        scene = Scene()
        try:
            await case(scene)
        finally:
            await scene.fetcher.close()

    asyncio.run(scenario())


def test_a_seek_begins_a_generation_and_keeps_what_is_held_of_others() -> None:
    async def case(scene: Scene) -> None:
        await scene.assigned(a=5, b=7)
        assert scene.source.assigned == {A: 5, B: 7}
        scene.source.give(B, 7, 8)
        scene.fetcher.seek_to(A, 2)
        await scene.settled()
        assert scene.source.assigned == {A: 2, B: 9}
        assert await scene.offsets() == [7, 8]

    _run(case)


def test_records_of_an_earlier_generation_are_dropped() -> None:
    async def case(scene: Scene) -> None:
        await scene.assigned(a=0, b=0)
        before = scene.source.generation
        scene.fetcher.seek_to(A, 3)
        await scene.settled()
        scene.source.give(A, 0, 1, generation=before)
        scene.source.give(A, 3)
        assert await scene.offsets() == [3]

    _run(case)


def test_records_that_arrive_between_a_seek_and_its_generation_are_dropped() -> None:
    async def case(scene: Scene) -> None:
        await scene.assigned(a=0, b=0)
        scene.fetcher.seek_to(A, 3)
        scene.source.give(A, 0, 1)
        scene.source.give(B, 0)
        assert await scene.offsets() == [0]
        await scene.settled()
        assert scene.source.assigned == {A: 3, B: 1}

    _run(case)


def test_another_assignment_gives_no_record_of_the_one_before() -> None:
    async def case(scene: Scene) -> None:
        await scene.assigned(a=0, b=0)
        scene.source.give(A, 0)
        scene.subscription.assign_from_user([B])
        scene.fetcher.seek_to(B, 4)
        assert await scene.offsets() == []
        await scene.settled()
        assert scene.source.assigned == {B: 4}
        scene.source.give(B, 4)
        assert await scene.offsets() == [4]

    _run(case)


def test_a_failed_source_is_an_error_of_the_consumer() -> None:
    async def case(scene: Scene) -> None:
        await scene.assigned(a=0, b=0)
        scene.source.failure = ValueError("broken")
        with pytest.raises(KafkaError, match="fetching failed: broken"):
            await scene.offsets()

    _run(case)
