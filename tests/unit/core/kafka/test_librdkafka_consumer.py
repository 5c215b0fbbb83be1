"""The standalone consumer on a scripted fetch thread: what no broker shows on order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition
from confluent_kafka import KafkaError, KafkaException

from core.kafka.fetch_source import Batch, FetchedRecord, PartitionBatch
from core.kafka.standalone import librdkafka_consumer, queries
from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer
from schemas.errors import (
    ConfigurationError,
    KafkaAccessError,
    KafkaAwayError,
    SluiceError,
    TopicError,
)

A = TopicPartition("t", 0)


class ScriptedThread:
    """A thread that answers each query with the next of `answers`, the last one for ever."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        arrived: Callable[[int, Batch], None],
        *,
        faulted: Callable[[], None],
        needs_headers: bool,
    ) -> None:
        assert not needs_headers
        self.arrived, self.faulted = arrived, faulted
        self.failure: Exception | None = None
        self.rejection: str | None = None
        self.answers: deque[Any] = deque()
        self.generation = self.untaken = 0

    def assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        self.generation = generation

    def taken(self) -> None:
        self.untaken -= 1

    def accepted(self) -> None:
        self.rejection = None

    async def call(self, _: Any) -> Any:
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to end."""

    def give(self, *offsets: int, generation: int | None = None, error: Any = None) -> None:
        records = [FetchedRecord("t", 0, offset, 0, 0, None, b"v", ()) for offset in offsets]
        next_offset = offsets[-1] + 1 if offsets else -1
        batch = PartitionBatch(records=records, next_offset=next_offset, error=error)
        self.untaken += 1
        self.arrived(self.generation if generation is None else generation, {A: batch})


def _run(monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
    monkeypatch.setattr(librdkafka_consumer, "FetchThread", ScriptedThread)
    for name in ("AWAY_S", "START_S", "MISSING_S", "REJECTED_S", "REJECTED_AT_START_S", "_PAUSE_S"):
        monkeypatch.setattr(queries, name, 0.0)

    async def scenario() -> None:
        consumer = LibrdkafkaConsumer({"bootstrap.servers": "k:1"})
        thread: Any = consumer._thread
        async with asyncio.timeout(10):
            await case(consumer, thread)
        await consumer.close()

    asyncio.run(scenario())


def _error(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


def test_records_of_an_earlier_assignment_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        consumer.assign({A: 0})
        thread.give(0, 1)
        consumer.assign({A: 5})
        thread.give(2, 3, generation=thread.generation - 1)
        thread.give(5)
        assert [each.offset for each in await consumer.read()] == [5]
        assert consumer.position(A) == 6
        assert thread.untaken == 0

    _run(monkeypatch, case)


def test_a_batch_is_taken_when_its_last_record_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        consumer.assign({A: 0})
        thread.give(0, 1, 2)
        for number, untaken in ((0, 1), (1, 1), (2, 0)):
            assert [each.offset for each in await consumer.read(most=1)] == [number]
            assert (consumer.position(A), thread.untaken) == (number + 1, untaken)

    _run(monkeypatch, case)


def test_a_missing_permission_is_raised_after_the_records_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        consumer.assign({A: 0})
        thread.give(0)
        thread.give(error=KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
        assert [each.offset for each in await consumer.read(most=1)] == [0]
        for _ in range(2):
            with pytest.raises(KafkaAccessError, match="ACL"):
                await consumer.read() or await consumer.read()

    _run(monkeypatch, case)


def test_a_lower_offset_is_reported_as_a_recreated_topic(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        consumer.assign({A: 7})
        thread.give(0, 1)
        assert len(await consumer.read()) == 2
        assert consumer.position(A) == 2
        assert "t:0: the topic was recreated" in caplog.text

    _run(monkeypatch, case)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaAccessError),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaAccessError),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicError),
        (KafkaError._UNKNOWN_PARTITION, TopicError),
        (KafkaError._TRANSPORT, KafkaAwayError),
        (KafkaError._TIMED_OUT, KafkaAwayError),
        (KafkaError.LEADER_NOT_AVAILABLE, KafkaAwayError),
    ],
)
def test_a_query_that_fails_for_long_is_a_named_error(
    code: int, expected: type[SluiceError], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        thread.answers.append(_error(code))
        with pytest.raises(expected):
            await consumer.partitions("t")

    _run(monkeypatch, case)


def test_a_query_is_retried_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        monkeypatch.setattr(queries, "START_S", 30.0)
        monkeypatch.setattr(queries, "MISSING_S", 30.0)
        faults = (KafkaError._TRANSPORT, KafkaError.NOT_COORDINATOR, KafkaError._UNKNOWN_TOPIC)
        thread.answers.extend([*map(_error, faults), 4])
        assert await consumer.partitions("t") == 4

    _run(monkeypatch, case)


def test_a_rejection_that_lasts_ends_the_reading_and_a_short_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        consumer.assign({A: 0})
        thread.answers.append(None)
        thread.rejection = "token expired"
        thread.faulted()
        assert consumer._rejection is not None
        await consumer._rejection
        assert thread.rejection is None
        assert not await consumer.read(timeout_s=0.0)
        thread.answers[0] = _error(KafkaError._TRANSPORT)
        thread.rejection = "token expired"
        thread.faulted()
        with pytest.raises(KafkaAccessError, match="token expired"):
            await consumer.read() or await consumer.read()

    _run(monkeypatch, case)


def test_the_error_that_ends_the_thread_is_raised_to_a_waiting_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def case(consumer: LibrdkafkaConsumer, thread: ScriptedThread) -> None:
        waiting = asyncio.create_task(consumer.read())
        await asyncio.sleep(0)
        thread.failure = ConfigurationError("no token")
        thread.faulted()
        with pytest.raises(ConfigurationError, match="no token"):
            await waiting

    _run(monkeypatch, case)
