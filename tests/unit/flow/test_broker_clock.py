"""A worker with a wrong local clock knows the broker's time before it opens anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from core.clock import BrokerClock
from core.kafka.producer import Delivered, Outgoing
from schemas.budget_entries import split_entry_key
from schemas.errors import DeliveryError
from schemas.topics import BUDGETS
from streams.flow.broker_clock import sync_broker_clock

BROKER_MS = 1_764_072_000_000
HOUR_MS = 3_600_000


class Broker:
    """Stamps a record; the round trip of `slow` records is too long to be used."""

    def __init__(self, clock: BrokerClock, *, topic: str = BUDGETS, slow: int = 0) -> None:
        self._clock = clock
        self._topic = topic
        self._slow = slow
        self.written: list[Outgoing] = []
        self.fails = False

    async def topics(self) -> frozenset[str]:
        return frozenset({self._topic})

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        if self.fails:
            raise DeliveryError("away")
        self.written.append(record)
        took = 900 if len(self.written) <= self._slow else 2
        future = asyncio.get_running_loop().create_future()
        future.set_result(Delivered(topic=record.topic, partition=0, offset=0, timestamp=BROKER_MS))
        self._clock.observe(BROKER_MS, 500.0 - took, 500.0)
        return future


def _an_hour_ahead() -> BrokerClock:
    return BrokerClock(lambda: BROKER_MS + HOUR_MS, lambda: 500.0)


@pytest.mark.parametrize("slow", [0, 1])
def test_the_clock_is_set_by_the_first_usable_timestamp(slow: int) -> None:
    clock = _an_hour_ahead()
    broker = Broker(clock, slow=slow)
    asyncio.run(sync_broker_clock(broker, clock))

    assert abs(clock.now() - BROKER_MS) < 5
    assert len(broker.written) == slow + 1


def test_the_probe_record_is_ignored_by_readers_of_the_ledger() -> None:
    clock = _an_hour_ahead()
    broker = Broker(clock)
    asyncio.run(sync_broker_clock(broker, clock))
    (record,) = broker.written

    assert record.value is None
    assert split_entry_key(record.key or b"")[2:4] == (None, None)


def test_a_topic_that_is_not_there_is_not_written_to() -> None:
    clock = _an_hour_ahead()
    broker = Broker(clock, topic="another")
    asyncio.run(sync_broker_clock(broker, clock))

    assert broker.written == []


@pytest.mark.parametrize("fails", [True, False])
def test_a_silent_broker_does_not_block_the_start(
    fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    clock = _an_hour_ahead()
    broker = Broker(clock, slow=1_000)
    broker.fails = fails
    asyncio.run(sync_broker_clock(broker, clock, patience_s=0.0 if not fails else 5.0))

    assert "cannot read the broker's time yet" in caplog.text
