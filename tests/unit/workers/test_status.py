"""Workers publish their version and permissions; commands use recent statuses only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiokafka import TopicPartition

from core.clock import StillClock
from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from infra.workers.registry_use import registry_use
from infra.workers.status_topic import LiveWorkers, StatusTopic, assign_valid_period
from schemas.errors import UndecodableError
from schemas.topics import WORKERS
from schemas.worker_status import GONE_S, WorkerStatus
from streams.journal.in_memory_log import MemoryLog
from streams.worker.status_reports import StatusReports

PLACE = TopicPartition(WORKERS, 0)
STATUS = WorkerStatus(
    worker="worker-1", incarnation="1", registry="a" * 16, keys=("OPENAI_API_KEY",), hosts=("*",)
)


def test_a_status_survives_its_record_and_fields_of_later_releases() -> None:
    assert WorkerStatus.decode(STATUS.encode()) == STATUS
    later = STATUS.encode().replace(b'{"worker"', b'{"colour":"red","worker"')
    assert WorkerStatus.decode(later) == STATUS


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null", b"\xff", b'"x"'])
def test_an_invalid_status_record_is_skipped(value: bytes) -> None:
    with pytest.raises(UndecodableError):
        WorkerStatus.decode(value)
    workers = LiveWorkers()
    workers.take(b"worker-1", value, 0)
    assert workers.alive == []


def test_workers_that_left_or_stopped_reporting_are_not_listed() -> None:
    workers = LiveWorkers()
    for at, name in enumerate(("silent", "left", "alive")):
        workers.take(name.encode(), replace(STATUS, worker=name).encode(), at)
    workers.take(b"left", None, 10)
    workers.take(b"alive", replace(STATUS, worker="alive").encode(), int(GONE_S * 1000) + 5)

    assert [each.worker for each in workers.alive] == ["alive"]


def test_using_rejecting_and_silent_workers_are_listed() -> None:
    use = registry_use(
        [
            replace(STATUS, worker="a", registry="new"),
            replace(STATUS, worker="b", registry="old", refused="new", problem="other tiers"),
            replace(STATUS, worker="c", registry="old"),
            replace(STATUS, worker="d", registry="old", refused="older", problem="x"),
        ],
        "new",
    )

    assert use.used_by == ("a",)
    assert use.refused == {"b": "other tiers"}
    assert use.silent == ("c", "d")
    assert not use.settled


class Reported:
    """Reports of a worker into a log in memory."""

    def __init__(self, topics: frozenset[str] = frozenset({WORKERS}), *broken: str) -> None:
        self.log = MemoryLog(StillClock(), broken=broken)
        self.version = "first"
        self.changed = asyncio.Event()
        self.third = asyncio.Event()
        self._read = 0
        self._topics = topics

    async def _has(self) -> frozenset[str]:
        return self._topics

    def _status(self) -> WorkerStatus:
        self._read += 1
        if self._read > 3:
            self.third.set()
        return replace(STATUS, registry=self.version)

    async def during(self, what: Callable[[], Awaitable[None]], every_s: float = 60.0) -> None:
        reports = StatusReports(self.log, self._status, self.changed, self._has, every_s=every_s)
        task = asyncio.create_task(reports.run())
        await what()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def published(self) -> list[str | None]:
        return [
            WorkerStatus.decode(each.record.value).registry if each.record.value else None
            for each in self.log.of(WORKERS)
        ]


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_registry_change_and_a_shutdown_are_published_at_once() -> None:
    async def scenario() -> list[str | None]:
        reported = Reported()

        async def change() -> None:
            await _settle()
            reported.version = "second"
            reported.changed.set()
            await _settle()

        await reported.during(change)
        return reported.published()

    assert asyncio.run(scenario()) == ["first", "second", None]


def test_the_status_is_repeated_periodically() -> None:
    async def scenario() -> list[str | None]:
        reported = Reported()

        async def wait() -> None:
            async with asyncio.timeout(10):
                await reported.third.wait()

        await reported.during(wait, every_s=0.001)
        return reported.published()

    assert asyncio.run(scenario())[:3] == ["first"] * 3


def test_a_missing_or_broken_topic_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        for reported in (Reported(frozenset()), Reported(frozenset({WORKERS}), WORKERS)):

            async def change(reported: Reported = reported) -> None:
                for _ in range(3):
                    reported.changed.set()
                    await _settle()

            await reported.during(change)
            assert reported.published() == []

    asyncio.run(scenario())
    assert len([each for each in caplog.records if WORKERS in each.getMessage()]) == 2


def _topic(*times: int) -> tuple[InMemoryTopics, InMemoryConsumer]:
    topics = InMemoryTopics()
    topics.create(WORKERS)
    for number, at in enumerate(times):
        topics.append(PLACE, _status(f"w{number}"), key=b"w%d" % number, at=at)
    return topics, InMemoryConsumer(topics)


def _status(worker: str) -> bytes:
    return replace(STATUS, worker=worker).encode()


def test_the_topic_is_read_from_the_first_status_that_is_still_valid() -> None:
    gone_ms = int(GONE_S * 1000)
    topics, consumer = _topic(0, 5, gone_ms + 5, gone_ms + 10)

    async def case() -> list[list[str]]:
        await assign_valid_period(consumer)
        assert consumer.position(PLACE) == 2
        topic = StatusTopic(consumer)
        first = await topic.alive()
        topics.append(PLACE, None, key=b"w3", at=gone_ms + 20)
        return [[each.worker for each in found] for found in (first, await topic.alive())]

    assert asyncio.run(case()) == [["w2", "w3"], ["w2"]]


def test_an_empty_topic_has_no_workers_until_one_reports() -> None:
    topics, consumer = _topic()

    async def case() -> list[int]:
        await assign_valid_period(consumer)
        topic = StatusTopic(consumer)
        before = len(await topic.alive())
        topics.append(PLACE, _status("w"), key=b"w", at=1)
        return [before, len(await topic.alive())]

    assert asyncio.run(case()) == [0, 1]
