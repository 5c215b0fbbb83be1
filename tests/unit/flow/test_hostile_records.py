"""Records that only a malicious or broken client writes are read and delay no others."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from core.clock import BrokerClock
from core.kafka.producer import KafkaPublisher, Outgoing
from core.kafka.tolerant_records import TolerantRecords, tolerate_header_names
from schemas.errors import DeliveryError
from streams.worker.faust_app import incoming

NONE, GZIP, ZSTD = 0, 1, 4


class NoText(str):
    """A header's name that is written as bytes which are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


def batch(
    headers: list[list[tuple[str, bytes | None]]], packing: int = NONE, first: int = 0
) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=packing,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=100_000,
    )
    for number, each in enumerate(headers):
        builder.append(first + number, 0, b"k", b"v%d" % (first + number), each)
    return bytes(builder.build())


def fetched(data: bytes) -> list[Any]:
    """The records as a consumer's fetcher returns them."""
    tolerate_header_names()
    found = fetcher.PartitionRecords(
        fetcher.TopicPartition("t", 0),
        fetcher.MemoryRecords(data),
        [],
        0,
        None,
        None,
        True,
        fetcher.READ_UNCOMMITTED,
    )
    return list(found)


@pytest.mark.parametrize("packing", [NONE, GZIP, ZSTD])
def test_a_header_name_that_is_not_utf_8_blocks_no_later_record(packing: int) -> None:
    data = batch([[("a", b"1")], [(NoText(), b"2"), ("b", b"3")], [("c", None)]], packing)
    records = fetched(data)
    assert [record.value for record in records] == [b"v0", b"v1", b"v2"]
    assert [value for _, value in records[1].headers] == [b"2", b"3"]
    assert records[1].headers[0][0] == "\ufffd\ufffdname"


def test_later_batches_are_read_normally() -> None:
    data = batch([[(NoText(), b"2")]]) + batch([[("a", b"1")], [("a", b"2")]])
    records = TolerantRecords(data)
    first, second = records.next_batch(), records.next_batch()
    assert not records.has_next()
    assert first.validate_crc()
    assert (len(list(first)), len(list(second))) == (1, 2)


def test_a_header_without_a_value_counts_as_an_empty_one() -> None:
    message = SimpleNamespace(
        generation_id=1,
        topic="t",
        partition=0,
        offset=1,
        timestamp=1.0,
        key=None,
        value=b"",
        headers=[("correlation-id", None), ("reply-topic", b"r")],
    )
    assert incoming(message).headers == [("correlation-id", b""), ("reply-topic", b"r")]


class WithoutPartition:
    """A producer whose topic lacks the requested partition, behaving as aiokafka does."""

    async def send(self, *_: Any, **__: Any) -> None:
        raise AssertionError("Unrecognized partition")


def test_a_reply_partition_that_does_not_exist_is_a_reply_that_is_not_delivered() -> None:
    producer: Any = WithoutPartition()
    publisher = KafkaPublisher(producer, producer, {}, BrokerClock())
    record = Outgoing(topic="replies.a", key=None, value=b"", partition=99)
    with pytest.raises(DeliveryError, match="no partition 99"):
        asyncio.run(publisher.reply(record))
