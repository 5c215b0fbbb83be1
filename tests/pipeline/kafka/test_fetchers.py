"""The contract of a consumer's fetcher, on a broker: aiokafka's fetcher and the librdkafka one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka.admin import AdminClient, NewTopic

from core.kafka import held_records
from core.kafka.consumer import fetch_by_librdkafka, open_consumer

PATIENCE_S = 30.0
BIG = 3 * 1024 * 1024


class NoText(str):
    """A header name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


class Topic:
    """A topic of one test, with its consumer."""

    def __init__(self, bootstrap: str, name: str, fetcher: str) -> None:
        self.bootstrap = bootstrap
        self.name = name
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._librdkafka = {"bootstrap.servers": bootstrap} if fetcher == "librdkafka" else None

    def place(self, partition: int = 0) -> TopicPartition:
        return TopicPartition(self.name, partition)

    def create(self, partitions: int = 2) -> None:
        made = NewTopic(self.name, partitions, 1, config={"max.message.bytes": str(2 * BIG)})
        self.admin.create_topics([made])[self.name].result()

    @asynccontextmanager
    async def producer(self, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, max_request_size=2 * BIG, **settings
        ) as writer:
            yield writer

    @asynccontextmanager
    async def consumer(self, **settings: Any) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = open_consumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            **{"auto_offset_reset": "earliest", "fetch_max_wait_ms": 20, **settings},
        )
        await consumer.start()
        if self._librdkafka is not None:
            await fetch_by_librdkafka(consumer, self._librdkafka)
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def write(self, *values: bytes, partition: int = 0, **more: Any) -> None:
        async with self.producer() as writer:
            for value in values:
                await writer.send_and_wait(self.name, value, partition=partition, **more)


@pytest.fixture(params=["aiokafka", "librdkafka"])
def missing_topic(request: pytest.FixtureRequest, kafka: str, own_name: str) -> Topic:
    return Topic(kafka, f"{own_name}-{request.param}", request.param)


@pytest.fixture
def topic(missing_topic: Topic) -> Topic:
    missing_topic.create()
    return missing_topic


async def _read(consumer: AIOKafkaConsumer, count: int, *places: TopicPartition) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            for records in (await consumer.getmany(*places, timeout_ms=500)).values():
                found.extend(records)
    return found


def test_a_record_has_all_that_was_written(topic: Topic) -> None:
    async def case() -> None:
        sent = [("a", b"1"), ("b", b""), ("a", b"2")]
        async with topic.producer() as writer:
            at = await writer.send_and_wait(
                topic.name, b"value", key=b"key", partition=1, headers=sent, timestamp_ms=1234
            )
            await writer.send_and_wait(topic.name, None, key=b"key", partition=1)
        async with topic.consumer() as consumer:
            consumer.assign([topic.place(0), topic.place(1)])
            first, second = await _read(consumer, 2)
        assert (first.topic, first.partition, first.offset) == (topic.name, 1, at.offset)
        assert (first.key, first.value, first.timestamp) == (b"key", b"value", 1234)
        assert first.timestamp_type == 0
        assert [tuple(each) for each in first.headers] == sent
        assert (second.value, tuple(second.headers)) == (None, ())

    asyncio.run(case())


def test_a_seek_reads_again_and_forward(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(*(b"%d" % number for number in range(10)))
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            await _read(consumer, 10)
            consumer.seek(topic.place(), 3)
            assert [each.offset for each in await _read(consumer, 7)] == [*range(3, 10)]
            consumer.seek(topic.place(), 8)
            assert [each.offset for each in await _read(consumer, 2)] == [8, 9]
            await consumer.seek_to_beginning(topic.place())
            assert (await _read(consumer, 10))[0].offset == 0
            await consumer.seek_to_end(topic.place())
            assert await consumer.position(topic.place()) == 10

    asyncio.run(case())


def test_the_position_follows_what_was_consumed(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(*(b"%d" % number for number in range(10)))
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            taken: list[Any] = []
            while len(taken) < 10:
                found = await consumer.getmany(timeout_ms=500, max_records=3)
                taken += found.get(topic.place(), [])
                assert await consumer.position(topic.place()) == len(taken)
            assert [each.offset for each in taken] == [*range(10)]

    asyncio.run(case())


def test_the_position_passes_the_marker_of_an_aborted_transaction(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"before")
        async with topic.producer(transactional_id=topic.name) as writer:
            await writer.begin_transaction()
            await writer.send_and_wait(topic.name, b"never", partition=0)
            await writer.abort_transaction()
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            end = (await consumer.end_offsets([topic.place()]))[topic.place()]
            found: list[Any] = []
            async with asyncio.timeout(PATIENCE_S):
                while await consumer.position(topic.place()) < end:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found.extend(records)
            assert [each.value for each in found] == [b"before"]

    asyncio.run(case())


def test_a_position_out_of_range_is_reset(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"only")
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            consumer.seek(topic.place(), 1_000)
            assert [each.value for each in await _read(consumer, 1)] == [b"only"]

    asyncio.run(case())


def test_without_a_reset_a_position_out_of_range_is_an_error_until_a_seek(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"only")
        async with topic.consumer(auto_offset_reset="none") as consumer:
            consumer.assign([topic.place()])
            consumer.seek(topic.place(), 1_000)
            for _ in range(2):
                with pytest.raises(OffsetOutOfRangeError) as raised:
                    await _read(consumer, 1)
                assert raised.value.args[0] == {topic.place(): 1_000}
            consumer.seek(topic.place(), 0)
            assert [each.value for each in await _read(consumer, 1)] == [b"only"]

    asyncio.run(case())


def test_without_a_reset_a_missing_position_is_an_error_until_a_seek(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"only")
        async with topic.consumer(auto_offset_reset="none", group_id=topic.name) as consumer:
            consumer.subscribe([topic.name])
            with pytest.raises(NoOffsetForPartitionError):
                await _read(consumer, 1)
            for place in consumer.assignment():
                consumer.seek(place, 0)
            assert [each.value for each in await _read(consumer, 1)] == [b"only"]

    asyncio.run(case())


def test_a_paused_partition_is_read_after_its_resumption(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"first")
        async with topic.consumer() as consumer:
            consumer.assign([topic.place(0), topic.place(1)])
            await _read(consumer, 1)
            consumer.pause(topic.place(0))
            await topic.write(b"second")
            await topic.write(b"other", partition=1)
            assert [each.value for each in await _read(consumer, 1)] == [b"other"]
            assert not await consumer.getmany(timeout_ms=100)
            consumer.resume(topic.place(0))
            assert [each.value for each in await _read(consumer, 1)] == [b"second"]

    asyncio.run(case())


def test_a_partition_that_is_held_back_delays_no_other_and_loses_nothing(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_records, "MOST_RECORDS", 20)

    async def case() -> None:
        count = 500
        async with topic.producer(linger_ms=5) as writer, topic.consumer() as consumer:
            consumer.assign([topic.place(0), topic.place(1)])
            for number in range(count):
                for partition in (0, 1):
                    await writer.send(topic.name, b"%d" % number, partition=partition)
            await writer.flush()
            for partition in (1, 0):
                found = await _read(consumer, count, topic.place(partition))
                assert [int(each.value) for each in found] == [*range(count)]

    asyncio.run(case())


def test_a_record_of_megabytes_is_read(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"x" * BIG, b"after")
        async with topic.consumer(max_partition_fetch_bytes=1024) as consumer:
            consumer.assign([topic.place()])
            assert [len(each.value) for each in await _read(consumer, 2)] == [BIG, 5]

    asyncio.run(case())


def test_a_header_name_that_is_no_text_is_read_and_so_is_what_follows(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (message_accumulator, producer):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)

    async def case() -> None:
        async with topic.producer() as writer:
            for number in range(6):
                headers = [(NoText("x"), b"odd")] if number % 2 else [("even", b"1")]
                await writer.send_and_wait(topic.name, b"%d" % number, partition=0, headers=headers)
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            found = await _read(consumer, 6)
        assert [each.offset for each in found] == [*range(6)]
        assert [next(iter(each.headers)) for each in found[:2]] == [
            ("even", b"1"),
            ("\ufffd\ufffdname", b"odd"),
        ]

    asyncio.run(case())


def test_another_assignment_ends_the_one_before(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"a", b"b")
        await topic.write(b"c", partition=1)
        async with topic.consumer() as consumer:
            for _ in range(3):
                consumer.assign([topic.place(0)])
                assert [each.value for each in await _read(consumer, 2)] == [b"a", b"b"]
                consumer.assign([topic.place(1)])
                assert [each.value for each in await _read(consumer, 1)] == [b"c"]

    asyncio.run(case())


def test_a_topic_that_is_created_later_is_read(missing_topic: Topic) -> None:
    topic = missing_topic

    async def case() -> None:
        async with topic.consumer(metadata_max_age_ms=500) as consumer:
            consumer.assign([topic.place()])
            assert not await consumer.getmany(timeout_ms=100)
            await asyncio.to_thread(topic.create)
            await topic.write(b"late")
            assert [each.value for each in await _read(consumer, 1)] == [b"late"]

    asyncio.run(case())


def test_members_of_a_group_share_the_partitions_and_commit(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"a", b"b")
        async with topic.consumer(group_id=topic.name) as first:
            first.subscribe([topic.name])
            assert len(await _read(first, 2)) == 2
            await first.commit({topic.place(0): 1})
        async with topic.consumer(group_id=topic.name) as second:
            second.subscribe([topic.name])
            assert [each.value for each in await _read(second, 1)] == [b"b"]

    asyncio.run(case())


def test_the_end_of_a_partition_is_known(topic: Topic) -> None:
    async def case() -> None:
        await topic.write(b"a", b"b")
        async with topic.consumer() as consumer:
            consumer.assign([topic.place()])
            await _read(consumer, 2)
            async with asyncio.timeout(PATIENCE_S):
                known = getattr(consumer._fetcher, "highwater", consumer.highwater)
                while known(topic.place()) != 2:
                    await consumer.getmany(timeout_ms=100)

    asyncio.run(case())
