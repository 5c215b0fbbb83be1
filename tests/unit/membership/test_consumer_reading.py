"""No fetched record is lost between aiokafka, Faust and the dispatcher."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from streams.membership.committed_positions import seek_to_committed
from streams.membership.faust_transport import Consumer, ConsumerThread

PLACES = [TP("r", number) for number in range(3)]


class _Committed:
    """An aiokafka consumer: what its group committed, and where it reads on."""

    def __init__(self, committed: dict[TP, int]) -> None:
        self._committed = committed
        self._coordinator = self
        self.assigned = {TopicPartition(*place) for place in PLACES}
        self.taken_away: set[TP] = set()
        self.polls = 0
        self.at: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    async def fetch_committed_offsets(self, places: list[TopicPartition]) -> dict[Any, Any]:
        self.polls += 1
        self.assigned -= self.taken_away
        return {
            place: OffsetAndMetadata(self._committed[TP(*place)], "")
            for place in places
            if place in self._committed
        }

    def seek(self, place: TopicPartition, offset: int) -> None:
        assert place in self.assigned
        self.at[place] = offset


def test_every_partition_is_read_on_where_it_is_committed_offset_0_and_none_included() -> None:
    consumer = _Committed({PLACES[0]: 0, PLACES[1]: 7})
    found = asyncio.run(seek_to_committed(consumer))
    assert found == {PLACES[0]: 0, PLACES[1]: 7, PLACES[2]: None}
    assert consumer.at == {PLACES[0]: 0, PLACES[1]: 7, PLACES[2]: 0}
    assert consumer.polls == 1


def test_a_partition_revoked_during_the_query_is_not_sought() -> None:
    consumer = _Committed({PLACES[0]: 3})
    consumer.taken_away = {PLACES[1]}
    asyncio.run(seek_to_committed(consumer))
    assert consumer.at == {PLACES[0]: 3, PLACES[2]: 0}


class _Reading(Consumer):
    """The consumer without its thread: batches are supplied, seeks are recorded."""

    should_stop = False

    def __init__(self, batch: dict[TP, list[int]]) -> None:
        self.batch = batch
        self.flow_active = True
        self._active_partitions = set(batch)
        self._paused_partitions = set()
        self.scheduler = DefaultSchedulingStrategy()
        self.app: Any = SimpleNamespace(consumer_generation_id=1)
        self.sought = 0
        self.fails = 0

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        return self.batch, self._active_partitions

    def _to_message(self, tp: TP, record: int) -> Any:
        return record

    async def perform_seek(self) -> None:
        if self.fails:
            self.fails -= 1
            raise KafkaConnectionError
        self.sought += 1

    async def sleep(self, n: Any) -> None:
        await asyncio.sleep(0)


async def _read(consumer: _Reading, after_each: Any = None) -> list[tuple[TP, int]]:
    found = []
    async for place, message in consumer.getmany(1.0):
        found.append((place, message))
        if after_each is not None:
            after_each()
    return found


def test_fetched_records_of_a_partition_paused_afterwards_are_delivered() -> None:
    batch = {PLACES[0]: [1, 2, 3], PLACES[1]: [7, 8]}
    consumer = _Reading(batch)
    found = asyncio.run(_read(consumer, lambda: consumer.pause_partitions([PLACES[0]])))
    assert sorted(found) == sorted((place, each) for place in batch for each in batch[place])


def test_records_fetched_while_the_flow_is_stopped_are_fetched_again() -> None:
    consumer = _Reading({PLACES[0]: [0]})
    consumer.flow_active = False
    consumer.fails = 3
    assert asyncio.run(_read(consumer)) == []
    assert consumer.sought == 1


def test_a_rebalance_stops_the_delivery_of_a_fetched_batch() -> None:
    for change in ({"flow_active": False}, {"app": SimpleNamespace(consumer_generation_id=2)}):
        consumer = _Reading({PLACES[0]: [1, 2, 3]})
        found = asyncio.run(_read(consumer, lambda c=consumer, how=change: vars(c).update(how)))
        assert len(found) == 1


@pytest.mark.parametrize("end", [None, 5])
def test_an_idle_partition_is_no_fault_after_minutes(end: int | None) -> None:
    lines: list[str] = []
    state = SimpleNamespace(highwater=None, position=5, timestamp=time.time() * 1_000)
    assignment = SimpleNamespace(state_value=lambda _: state, active=True)
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    thread: Any = ConsumerThread.__new__(ConsumerThread)
    thread._consumer = SimpleNamespace(
        _subscription=subscription,
        _fetcher=SimpleNamespace(_subscriptions=subscription, highwater=lambda _: end),
    )
    app = SimpleNamespace(
        monitor=SimpleNamespace(stream_inbound_time={}),
        topics=SimpleNamespace(acks_enabled_for=lambda _: True),
    )
    thread.consumer = SimpleNamespace(app=app)
    thread.log = SimpleNamespace(error=lambda text, *_: lines.append(text))
    thread.time_started = thread.tp_stream_timeout_secs = thread.tp_fetch_request_timeout_secs = 0.0

    thread.verify_event_path(600.0, PLACES[0])

    assert lines == []
    assert state.highwater == end
