"""The contract of a standalone consumer: on a broker, and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

from core.kafka import fetch_thread
from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone import bounded_reading, queries
from core.kafka.standalone.bounded_reading import read_from_begin, read_until
from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer, standalone
from core.kafka.standalone.port import StandaloneConsumer
from infra.devstack.processes.ports import free_port
from schemas.errors import ConfigurationError, KafkaAwayError, TopicError

PATIENCE_S = 30.0
SOON_S = 0.2
BIG = 3 * 1024 * 1024


class Log(Protocol):
    """A topic of one test, and its consumers."""

    name: str

    def consumer(self, **settings: Any) -> StandaloneConsumer: ...

    async def create(self, partitions: int = 2) -> None: ...

    async def add_partitions(self, partitions: int) -> None: ...

    async def delete(self) -> None: ...

    async def delete_before(self, offset: int) -> None: ...

    async def write(
        self,
        *values: bytes | None,
        partition: int = 0,
        key: bytes | None = None,
        headers: Any = (),
        at: int | None = None,
    ) -> None: ...

    async def abort(self) -> None:
        """Write a record in a transaction, and abort it."""

    async def commit(self, group: str, offset: int) -> None: ...


class BrokerLog:
    def __init__(self, bootstrap: str, name: str) -> None:
        self._bootstrap = bootstrap
        self.name = name
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def consumer(self, **settings: Any) -> StandaloneConsumer:
        return LibrdkafkaConsumer(
            {"bootstrap.servers": self._bootstrap, "topic.metadata.refresh.interval.ms": 500},
            **{"wait_ms": 20, **settings},
        )

    async def create(self, partitions: int = 2) -> None:
        made = NewTopic(self.name, partitions, 1, config={"max.message.bytes": str(2 * BIG)})
        await asyncio.to_thread(self._admin.create_topics([made])[self.name].result)

    async def add_partitions(self, partitions: int) -> None:
        made = self._admin.create_partitions([NewPartitions(self.name, partitions)])
        await asyncio.to_thread(made[self.name].result)
        # The controller confirms before the broker knows of them, and a producer asks the broker.
        await _until(partial(asyncio.to_thread, self._count), partitions)

    def _count(self) -> int:
        return len(self._admin.list_topics(self.name).topics[self.name].partitions)

    async def delete(self) -> None:
        await asyncio.to_thread(self._admin.delete_topics([self.name])[self.name].result)

    async def delete_before(self, offset: int) -> None:
        from confluent_kafka import TopicPartition as Position

        position = Position(self.name, 0, offset)
        for done in self._admin.delete_records([position]).values():
            await asyncio.to_thread(done.result)

    @asynccontextmanager
    async def _producer(self, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
        async with AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, max_request_size=2 * BIG, linger_ms=5, **settings
        ) as writer:
            yield writer

    async def write(
        self,
        *values: bytes | None,
        partition: int = 0,
        key: bytes | None = None,
        headers: Any = (),
        at: int | None = None,
    ) -> None:
        async with self._producer() as writer:
            for value in values:
                await writer.send(
                    self.name, value, key, partition, timestamp_ms=at, headers=headers
                )
            await writer.flush()

    async def abort(self) -> None:
        async with self._producer(transactional_id=self.name) as writer:
            await writer.begin_transaction()
            await writer.send_and_wait(self.name, b"never", partition=0)
            await writer.abort_transaction()

    async def commit(self, group: str, offset: int) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=group)
        await consumer.start()
        try:
            place = TopicPartition(self.name, 0)
            consumer.assign([place])
            await consumer.commit({place: OffsetAndMetadata(offset, "")})
        finally:
            await consumer.stop()


class MemoryLog:
    def __init__(self, name: str) -> None:
        self.name = name
        self._topics = InMemoryTopics()

    def consumer(self, **settings: Any) -> StandaloneConsumer:
        return InMemoryConsumer(self._topics, group=settings.get("group", ""))

    async def create(self, partitions: int = 2) -> None:
        self._topics.create(self.name, partitions)

    async def add_partitions(self, partitions: int) -> None:
        self._topics.create(self.name, partitions)

    async def delete(self) -> None:
        self._topics.delete(self.name)

    async def delete_before(self, offset: int) -> None:
        self._topics.delete_before(TopicPartition(self.name, 0), offset)

    async def write(
        self,
        *values: bytes | None,
        partition: int = 0,
        key: bytes | None = None,
        headers: Any = (),
        at: int | None = None,
    ) -> None:
        for value in values:
            place = TopicPartition(self.name, partition)
            self._topics.append(place, value, key=key, headers=headers, at=at or 0)

    async def abort(self) -> None:
        for _ in range(2):
            self._topics.append_marker(TopicPartition(self.name, 0))

    async def commit(self, group: str, offset: int) -> None:
        self._topics.commits[group, TopicPartition(self.name, 0)] = offset


@pytest.fixture(params=["librdkafka", "memory"])
def missing(request: pytest.FixtureRequest, own_name: str) -> Log:
    if request.param == "memory":
        return MemoryLog(own_name)
    return BrokerLog(request.getfixturevalue("kafka"), own_name)


@pytest.fixture
def log(missing: Log) -> Log:
    asyncio.run(missing.create())
    return missing


def _run(log: Log, case: Any, **settings: Any) -> None:
    async def scenario() -> None:
        consumer = log.consumer(**settings)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await case(consumer, TopicPartition(log.name, 0), TopicPartition(log.name, 1))
        finally:
            await consumer.close()

    asyncio.run(scenario())


async def _read(
    consumer: StandaloneConsumer, count: int, most: int | None = None
) -> list[FetchedRecord]:
    found: list[FetchedRecord] = []
    while len(found) < count:
        found.extend(await consumer.read(most=most))
    assert len(found) == count
    return found


async def _none(consumer: StandaloneConsumer) -> None:
    """Expect no record within a short time."""
    assert not await consumer.read(timeout_s=SOON_S)


async def _until(ask: Callable[[], Awaitable[object]], expected: object) -> None:
    """Poll until the answer is the expected one."""
    while await ask() != expected:
        pass


def test_a_record_has_all_that_was_written(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, *places: TopicPartition) -> None:
        sent = [("a", b"1"), ("b", b""), ("a", b"2")]
        await log.write(b"value", partition=1, key=b"key", headers=sent, at=1234)
        await log.write(None, partition=1, key=b"key")
        consumer.assign(dict.fromkeys(places, 0))
        first, second = await _read(consumer, 2)
        assert (first.topic, first.partition, first.offset) == (log.name, 1, 0)
        assert (first.key, first.value, first.timestamp) == (b"key", b"value", 1234)
        assert [*first.headers] == sent
        assert (second.value, tuple(second.headers)) == (None, ())

    _run(log, case)


def test_begins_ends_and_offsets_by_time(log: Log) -> None:
    async def case(
        consumer: StandaloneConsumer, first: TopicPartition, second: TopicPartition
    ) -> None:
        for number in range(5):
            await log.write(b"v", at=1_000 + number)
        await log.delete_before(2)
        assert await consumer.partitions(log.name) == 2
        assert await consumer.begins([first, second]) == {first: 2, second: 0}
        assert await consumer.ends([first, second]) == {first: 5, second: 0}
        assert await consumer.offsets_at({first: 1_003, second: 1_000}) == {first: 3, second: 0}
        assert await consumer.offsets_at({first: 0}) == {first: 2}
        assert await consumer.offsets_at({first: 2_000}) == {first: 5}
        assert await consumer.ends([]) == {}

    _run(log, case)


def test_reading_begins_at_the_assigned_offset_and_follows(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(b"0", b"1", b"2")
        consumer.assign({first: 1})
        assert [each.value for each in await _read(consumer, 2)] == [b"1", b"2"]
        assert consumer.position(first) == 3
        waiting = asyncio.create_task(_read(consumer, 1))
        await log.write(b"3")
        assert [each.value for each in await waiting] == [b"3"]

    _run(log, case)


def test_the_end_is_no_record_and_the_wait_is_bounded(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(b"before")
        consumer.assign(await consumer.ends([first]))
        await _none(consumer)
        await log.write(b"after")
        assert [each.value for each in await _read(consumer, 1)] == [b"after"]

    _run(log, case)


def test_positions_follow_what_was_read(log: Log) -> None:
    async def case(
        consumer: StandaloneConsumer, first: TopicPartition, second: TopicPartition
    ) -> None:
        await log.write(*(b"%d" % number for number in range(10)))
        await log.write(*(b"%d" % number for number in range(10)), partition=1)
        consumer.assign({first: 0, second: 0})
        taken: list[FetchedRecord] = []
        while len(taken) < 20:
            found = await consumer.read(most=3)
            assert len(found) <= 3
            taken += found
            for place in (first, second):
                read = [each for each in taken if each.partition == place.partition]
                assert consumer.position(place) == len(read)
                assert [each.offset for each in read] == [*range(len(read))]

    _run(log, case)


def test_reading_until_an_end_passes_an_aborted_transaction(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(b"before")
        await log.abort()
        # A broker writes the marker after its answer.
        await _until(lambda: consumer.ends([first]), {first: 3})
        found = [each async for batch in read_from_begin(consumer, [first]) for each in batch]
        assert [each.value for each in found] == [b"before"]
        assert consumer.position(first) == 3
        await log.write(b"later")
        async for batch in read_until(consumer, await consumer.ends([first])):
            found += batch
        assert [each.value for each in found] == [b"before", b"later"]

    _run(log, case)


def test_another_assignment_ends_the_one_before(log: Log) -> None:
    async def case(
        consumer: StandaloneConsumer, first: TopicPartition, second: TopicPartition
    ) -> None:
        await log.write(b"a", b"b")
        await log.write(b"c", partition=1)
        for _ in range(3):
            consumer.assign({first: 0})
            assert [each.value for each in await _read(consumer, 2)] == [b"a", b"b"]
            consumer.assign({second: 0})
            assert [each.value for each in await _read(consumer, 1)] == [b"c"]
        consumer.assign({})
        await _none(consumer)

    _run(log, case)


def test_a_query_is_answered_while_records_wait_to_be_read(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_thread, "MOST_RECORDS", 2)

    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(*(b"%d" % number for number in range(100)))
        consumer.assign({first: 0})
        found = [*await consumer.read(most=1)]
        for _again in range(20):
            assert await consumer.ends([first]) == {first: 100}
        found += await _read(consumer, 99)
        assert [each.offset for each in found] == [*range(100)]
        consumer.assign({first: 0})
        await _read(consumer, 1, most=1)
        consumer.assign({first: 90})
        assert [each.offset for each in await _read(consumer, 10)] == [*range(90, 100)]

    _run(log, case)


def test_a_record_of_megabytes_is_read(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(b"x" * BIG, b"after")
        consumer.assign({first: 0})
        assert [len(each.value or b"") for each in await _read(consumer, 2)] == [BIG, 5]

    _run(log, case)


def test_offsets_that_a_group_committed(log: Log) -> None:
    async def case(
        consumer: StandaloneConsumer, first: TopicPartition, second: TopicPartition
    ) -> None:
        await log.commit(log.name, 7)
        assert await consumer.committed([first, second]) == {first: 7, second: None}

    _run(log, case, group=log.name)


def test_removed_records_are_passed(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(*(b"%d" % number for number in range(6)))
        await log.delete_before(4)
        consumer.assign({first: 1})
        assert [each.offset for each in await _read(consumer, 2)] == [4, 5]

    _run(log, case)


def test_a_topic_that_is_deleted_and_recreated_is_read_from_its_beginning(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(*(b"%d" % number for number in range(6)))
        consumer.assign({first: 0})
        await _read(consumer, 6)
        await log.delete()
        await log.create()
        await log.write(b"new")
        found = await _read(consumer, 1)
        assert [(each.offset, each.value) for each in found] == [(0, b"new")]
        assert consumer.position(first) == 1

    _run(log, case)


def test_a_missing_topic_or_partition_is_a_named_error(
    missing: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MISSING_S", 0.3)

    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        for question in (
            consumer.partitions(missing.name),
            consumer.begins([first]),
            consumer.ends([first]),
            consumer.offsets_at({first: 1}),
        ):
            with pytest.raises(TopicError, match=missing.name):
                await question
        await missing.create(1)
        assert await consumer.ends([first]) == {first: 0}
        with pytest.raises(TopicError, match=missing.name):
            await consumer.ends([first, TopicPartition(missing.name, 1)])

    _run(missing, case)


def test_partitions_are_counted_and_a_missing_topic_has_none(
    missing: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MISSING_S", 0.3)

    async def case(consumer: StandaloneConsumer, *_: TopicPartition) -> None:
        assert await consumer.counts([missing.name]) == {missing.name: 0}
        await missing.create(3)
        assert await consumer.counts([missing.name, "none"]) == {missing.name: 3, "none": 0}

    _run(missing, case)


def test_a_topic_that_is_created_later_is_read(missing: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        consumer.assign({first: 0})
        await _none(consumer)
        await missing.create()
        await missing.write(b"late")
        assert [each.value for each in await _read(consumer, 1)] == [b"late"]

    _run(missing, case)


def test_an_added_partition_is_counted_and_read_by_the_next_assignment(log: Log) -> None:
    async def case(
        consumer: StandaloneConsumer, first: TopicPartition, second: TopicPartition
    ) -> None:
        third = TopicPartition(log.name, 2)
        consumer.assign({first: 0, second: 0})
        await log.add_partitions(3)
        await log.write(b"new", partition=2)
        await _until(lambda: consumer.partitions(log.name), 3)
        assert await consumer.ends([third]) == {third: 1}
        consumer.assign({first: 0, second: 0, third: 0})
        assert [each.partition for each in await _read(consumer, 1)] == [2]

    _run(log, case)


def test_reading_until_an_end_that_never_comes_is_a_named_error(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_reading, "PATIENCE_S", 0.1)
    monkeypatch.setattr(bounded_reading, "_LOOK_S", 0.05)

    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await log.write(b"only")
        consumer.assign({first: 0})
        with pytest.raises(KafkaAwayError, match=log.name):
            async for _records in read_until(consumer, {first: 2}):
                pass

    _run(log, case)


def test_a_broker_that_is_away_at_the_start_is_a_named_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "START_S", 0.1)
    monkeypatch.setattr(queries, "_ATTEMPT_S", 0.2)

    async def case() -> None:
        async with standalone({"bootstrap.servers": f"127.0.0.1:{free_port()}"}) as consumer:
            with pytest.raises(KafkaAwayError, match="SLUICE_KAFKA_BOOTSTRAP_SERVERS"):
                await consumer.partitions("any")

    asyncio.run(case())


def test_settings_that_librdkafka_rejects_are_a_named_error() -> None:
    async def case() -> None:
        async with standalone(
            {"bootstrap.servers": "x:1", "security.protocol": "none"}
        ) as consumer:
            with pytest.raises(ConfigurationError, match="librdkafka rejects"):
                await consumer.partitions("any")
            with pytest.raises(ConfigurationError, match="librdkafka rejects"):
                await consumer.read()

    asyncio.run(case())


def test_a_closed_consumer_answers_nothing(log: Log) -> None:
    async def case(consumer: StandaloneConsumer, first: TopicPartition, _: TopicPartition) -> None:
        await consumer.close()
        with pytest.raises(KafkaAwayError):
            await consumer.ends([first])

    _run(log, case)
