"""What a producer does for a partition that vanished while a record was on its way."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from core.kafka.publishing.missing_topics import MISSING_S
from core.kafka.publishing.paced_metadata import PAUSE_S, pace_metadata

GONE, THERE = TopicPartition("gone", 1), TopicPartition("there", 0)


class Producer:
    """The parts of an aiokafka producer that are used: the client and the accumulator."""

    def __init__(self, *pending: TopicPartition, answers: bool = True) -> None:
        self.client = self
        self.cluster = SimpleNamespace(_partitions={"gone": {0: None}, "there": {0: None}})
        self.batches = {place: [SimpleNamespace(_ttl=60)] for place in pending}
        self._message_accumulator = SimpleNamespace(_batches=self.batches)
        self.answers = answers
        self.now_s = 0.0
        self.slept: list[float] = []
        pace_metadata(self, self._sleep, lambda: self.now_s)

    async def _metadata_update(self, cluster: Any, topics: Any) -> bool:
        return self.answers

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def update(self, cluster: Any = None) -> bool:
        return asyncio.run(self._metadata_update(cluster or self.cluster, None))

    def expired(self) -> set[TopicPartition]:
        return {place for place, (batch,) in self.batches.items() if batch._ttl == 0}


def test_each_request_for_metadata_is_followed_by_a_pause_while_a_partition_is_missing() -> None:
    producer = Producer(GONE, THERE)
    assert producer.update()
    assert producer.slept == [PAUSE_S]
    del producer.batches[GONE]
    producer.update()
    assert producer.slept == [PAUSE_S]


def test_records_for_a_partition_that_stays_missing_expire_and_others_do_not() -> None:
    producer = Producer(GONE, THERE)
    producer.update()
    producer.now_s = MISSING_S
    producer.update()
    assert not producer.expired()
    producer.now_s = MISSING_S + 0.1
    producer.update()
    assert producer.expired() == {GONE}


def test_a_partition_that_was_there_meanwhile_is_missing_from_then_on_only() -> None:
    producer = Producer(GONE)
    producer.update()
    producer.now_s = 2
    producer.cluster._partitions["gone"] = {0: None, 1: None}
    producer.update()
    producer.cluster._partitions["gone"] = {0: None}
    producer.now_s = MISSING_S + 1
    producer.update()
    assert not producer.expired()


def test_nothing_expires_without_an_answer_or_for_another_request() -> None:
    away, asked = Producer(GONE, answers=False), Producer(GONE)
    for now_s in (0.0, MISSING_S + 1):
        away.now_s = asked.now_s = now_s
        assert not away.update()
        asked.update(SimpleNamespace(_partitions={}))
    assert not away.expired()
    assert not asked.expired()
    assert not asked.slept
