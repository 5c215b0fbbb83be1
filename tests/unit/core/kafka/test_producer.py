"""A record above its topic's limit never reaches the producer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)

from core.clock import BrokerClock
from core.kafka.producer import Delivered, KafkaPublisher, Outgoing, size_of
from schemas.errors import DeliveryError, RecordTooLargeError
from schemas.topics import RECORD_OVERHEAD_BYTES


class Refusing:
    """A producer that must not be called."""

    async def send(self, *_: Any, **__: Any) -> None:
        raise AssertionError("the record reached the producer")


def test_a_record_larger_than_its_topic_is_refused_before_it_is_sent() -> None:
    producer: Any = Refusing()
    publisher = KafkaPublisher(producer, producer, {"t": RECORD_OVERHEAD_BYTES + 10}, BrokerClock())

    with pytest.raises(RecordTooLargeError, match="11 bytes"):
        asyncio.run(publisher.publish(Outgoing(topic="t", key=b"k", value=b"v" * 10)))


def test_headers_and_key_count_as_well() -> None:
    record = Outgoing(topic="t", key=b"abc", value=b"12345", headers=[("h", b"xy")])

    assert size_of(record) == 3 + 5 + 1 + 2


class Stamping:
    """A producer whose records carry a given stamp, of a given kind."""

    def __init__(self, timestamp: int, kind: int) -> None:
        self._stamp = timestamp, kind

    async def send(self, topic: str, **_: Any) -> asyncio.Future[Any]:
        timestamp, kind = self._stamp
        future = asyncio.get_running_loop().create_future()
        future.set_result(
            SimpleNamespace(partition=0, offset=1, timestamp=timestamp, timestamp_type=kind)
        )
        return future


@pytest.mark.parametrize(("kind", "learnt"), [(1, 7_200_000), (0, 0)])
def test_only_broker_timestamps_adjust_the_clock(kind: int, learnt: int) -> None:
    clock = BrokerClock(lambda: 1_000_000.0, lambda: 500.0)
    producer: Any = Stamping(1_000_000 + 7_200_000, kind)
    publisher = KafkaPublisher(producer, producer, {}, clock)

    async def reply() -> None:
        await (await publisher.reply(Outgoing(topic="replies.mine", key=None, value=b"v")))

    asyncio.run(reply())

    assert clock.now() == 1_000_000 + learnt


class Waking:
    """A producer whose broker is unreachable: the first record times out, listing the topics fails
    some times, and then everything succeeds.
    """

    def __init__(self, away: int, error: Exception) -> None:
        self.away = away
        self.sent = 0
        self._error = error
        self.client = self

    async def fetch_all_metadata(self) -> SimpleNamespace:
        self.away -= 1
        if self.away >= 0:
            raise KafkaConnectionError("away")
        return SimpleNamespace(topics=lambda: ["t"])

    async def send(self, topic: str, **_: Any) -> asyncio.Future[Any]:
        self.sent += 1
        future = asyncio.get_running_loop().create_future()
        if self.sent == 1:
            future.set_exception(self._error)
        else:
            future.set_result(SimpleNamespace(partition=0, offset=1, timestamp=0, timestamp_type=0))
        return future


async def _no_sleep(seconds: float) -> None: ...


def _reply(producer: Any) -> Delivered:
    publisher = KafkaPublisher(producer, producer, {}, BrokerClock(), _no_sleep)

    async def scenario() -> Delivered:
        return await (await publisher.reply(Outgoing(topic="t", key=None, value=b"v")))

    return asyncio.run(scenario())


@pytest.mark.parametrize("error", [KafkaTimeoutError("30 s"), NodeNotReadyError("gone")])
def test_a_reply_that_outlasts_the_broker_s_absence_is_sent_again(error: KafkaError) -> None:
    producer = Waking(3, error)
    assert _reply(producer).offset == 1
    assert (producer.sent, producer.away) == (2, -1)


def test_a_reply_that_its_topic_refuses_is_not_sent_again() -> None:
    producer = Waking(0, MessageSizeTooLargeError("too large"))
    with pytest.raises(DeliveryError):
        _reply(producer)
    assert producer.sent == 1


class Vanishing:
    """A producer whose topic `t` is gone for a while after its first record was sent: that record
    fails with this error.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.client = self
        self.cluster = SimpleNamespace(_partitions={"t": {0: None}}, unauthorized_topics=())
        self.sent = 0
        self.looks = 0

    def add_topic(self, topic: str) -> None: ...

    async def force_metadata_update(self) -> bool:
        self.looks += 1
        if self.looks == 3:
            self.cluster._partitions["t"] = {0: None}
        return True

    async def send(self, topic: str, **_: Any) -> asyncio.Future[Any]:
        assert self.cluster._partitions, "the topic is missing"
        self.sent += 1
        future = asyncio.get_running_loop().create_future()
        if self.sent == 1:
            self.cluster._partitions.clear()
            future.set_exception(self._error)
        else:
            future.set_result(SimpleNamespace(partition=0, offset=7, timestamp=0, timestamp_type=0))
        return future


def _publish(producer: Any, record: Outgoing) -> Delivered:
    publisher = KafkaPublisher(producer, producer, {"t": 10_000}, BrokerClock(), _no_sleep)

    async def scenario() -> Delivered:
        return await (await publisher.publish(record))

    return asyncio.run(scenario())


@pytest.mark.parametrize("error", [NotLeaderForPartitionError(), UnknownTopicOrPartitionError()])
def test_a_record_whose_topic_vanished_is_sent_again_when_the_topic_is_back(
    error: KafkaError,
) -> None:
    producer = Vanishing(error)
    assert _publish(producer, Outgoing(topic="t", key=b"k", value=b"v")).offset == 7
    assert (producer.sent, producer.looks) == (2, 3)


def test_a_record_that_its_topic_refuses_is_not_sent_again() -> None:
    producer = Vanishing(MessageSizeTooLargeError("too large"))
    with pytest.raises(DeliveryError):
        _publish(producer, Outgoing(topic="t", key=b"k", value=b"v"))
    assert producer.sent == 1
