"""A record that its topic would refuse is never handed to the producer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.errors import RecordTooLargeError
from schemas.topics import RECORD_OVERHEAD_BYTES
from streams.flow.clock import BrokerClock
from streams.flow.delivery import KafkaPublisher, Outgoing, size_of


class Refusing:
    """A producer that must not be asked."""

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
