"""The sink's loop on a consumer in memory: assignment, limits, shutdown, a recreated log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from schemas.topics import OUTCOMES
from sinks.clickhouse.in_memory_store import MemoryStore
from sinks.clock import SystemClock
from sinks.errors import LeaseInvalidatedError, LogRecreatedError, UnreachableError
from sinks.ingest.combined_inserts import CombiningStore
from sinks.ingest.sink import Sink
from sinks.rows.batch import BatchLimits
from sinks.settings import SinkSettings
from sinks.status import SinkStatus
from tests.sql.rig.log import Record, on_log, outcome_event
from tests.unit.sinks.world import PLACE, RememberingStore, on_insert

PARTITION = TopicPartition(*PLACE)


@dataclass
class MemoryConsumer:
    """A consumer of one partition, as much of aiokafka's as the sink uses."""

    records: list[Record]
    position: int = 0
    paused: bool = False
    committed_at: dict[Any, int] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, list[Record]]:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop()
        if self.paused:
            return {}
        found = self.records[self.position : self.position + 10]
        self.position += len(found)
        return {PARTITION: found} if found else {}

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused = True

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused = False

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.position = offset

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed_at.update(offsets)

    async def committed(self, partition: TopicPartition) -> int | None:
        return self.committed_at.get(partition)

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(partitions, len(self.records))

    def highwater(self, partition: TopicPartition) -> int:
        return len(self.records)


@dataclass
class Loop:
    """A running sink and what it runs on."""

    sink: Sink
    consumer: MemoryConsumer
    store: MemoryStore
    status: SinkStatus
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Run the sink until a condition holds."""
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - the sink tells nobody when it has stored
                await asyncio.sleep(0.001)

    @property
    def offsets(self) -> list[int]:
        return [row.offset for _, row in self.store.rows.get(PLACE, [])]


def _run(count: int, case: Callable[[Loop], Awaitable[None]], **settings: Any) -> Loop:
    records = on_log(OUTCOMES, [outcome_event(request_id=f"r{n}") for n in range(count)])
    consumer, store = MemoryConsumer(records), RememberingStore()
    status = SinkStatus(instance="sink-1")
    options = {"sink_flush_ms": 1, "sink_batch_rows": 10, **settings}
    given = SinkSettings(**options)
    combining = CombiningStore(store, BatchLimits.of(given))
    sink = Sink(given, combining, SystemClock(), status, consumer)  # type: ignore[arg-type]
    loop = Loop(sink, consumer, store, status)

    async def scenario() -> None:
        running = asyncio.create_task(sink.run(loop.stop))
        try:
            await case(loop)
        finally:
            loop.stop.set()
            await running

    asyncio.run(scenario())
    return loop


def test_records_are_stored_before_their_offsets_are_committed() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 95)

    loop = _run(95, case)

    assert loop.offsets == list(range(95))
    assert loop.consumer.committed_at == {PARTITION: 95}
    assert loop.status.rows == 95


def test_a_stopping_sink_stores_its_buffer() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: loop.consumer.position == 8)

    loop = _run(8, case, sink_flush_ms=60_000, sink_batch_rows=100)

    assert loop.offsets == list(range(8))
    assert loop.status.state == "stopping"


def test_memory_is_bounded_while_clickhouse_is_away() -> None:
    away = True

    def fault(batch: object) -> None:
        if away:
            raise UnreachableError("nobody answers")

    async def case(loop: Loop) -> None:
        nonlocal away
        loop.store.before = fault
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: loop.status.state == "degraded" and loop.consumer.paused)
        read = loop.consumer.position
        for _ in range(200):
            await asyncio.sleep(0)
        assert loop.consumer.position == read < 200
        away = False
        await loop.until(lambda: len(loop.offsets) == 200)

    loop = _run(200, case, sink_batch_bytes=2_000)

    assert loop.offsets == list(range(200))


def test_a_new_assignment_stores_nothing_twice() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) >= 10)
        await loop.sink.on_partitions_revoked([PARTITION])
        loop.consumer.position = 0
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 60)

    assert _run(60, case).offsets == list(range(60))


def test_a_fenced_sink_that_still_owns_its_partition_renews_the_lease() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 20)
        await loop.store.claim([PLACE])
        more = [outcome_event(request_id=f"s{n}") for n in range(20)]
        loop.consumer.records += on_log(OUTCOMES, more, first=20)
        await loop.until(lambda: len(loop.offsets) == 40)

    loop = _run(20, case)

    assert loop.offsets == list(range(40))
    assert loop.status.fenced == 1


def test_an_invalidated_lease_is_renewed() -> None:
    async def case(loop: Loop) -> None:
        def spent() -> None:
            raise LeaseInvalidatedError("an insert of several partitions failed")

        loop.store.before = on_insert(1, spent)
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 40)
        assert loop.store.claims[PLACE].epoch == 2

    loop = _run(40, case)

    assert loop.offsets == list(range(40))
    assert loop.status.fenced == 0


def test_records_read_before_a_takeover_are_dropped() -> None:
    """Fetching a schema id takes time, in which the partition restarts from an earlier offset."""

    async def case(loop: Loop) -> None:
        class Learning:
            fetches = 0

            def id_of(self, name: str) -> int:
                return 1

            def schema(self, schema_id: int) -> None:
                return None

            async def learn(self, schema_id: int) -> None:
                Learning.fetches += 1
                if Learning.fetches == 2:
                    await loop.sink.on_partitions_assigned([PARTITION])
                    await loop.until(lambda: loop.store.claims[PLACE].epoch == 2)
                    await loop.until(lambda: loop.consumer.position == 0)

        for number in (5, 15):
            loop.consumer.records[number] = replace(
                loop.consumer.records[number], value=b"\0\0\0\0\x07unknown"
            )
        loop.sink._known = Learning()  # type: ignore[assignment]
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: loop.consumer.position == 30 and loop.status.partitions == 1)
        await loop.until(lambda: Learning.fetches >= 4)

    loop = _run(30, case, sink_flush_ms=60_000, sink_batch_rows=100)

    assert loop.offsets == list(range(30))


def test_a_batch_with_unreadable_rows_is_read_again_validated() -> None:
    async def case(loop: Loop) -> None:
        bad = (loop.consumer.records[13].value or b"")[10:]
        loop.store.refused_events = frozenset({bad})
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 40)

    loop = _run(40, case)

    assert loop.offsets == list(range(40))
    assert [row.offset for table, row in loop.store.rows[PLACE] if table == "dead_letters"] == [13]


def test_a_reassigned_partition_has_one_writer() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 30)
        loop.consumer.faults.append(OffsetOutOfRangeError({PARTITION: 30}))
        await loop.until(lambda: loop.store.claims[PLACE].epoch == 2)
        more = [outcome_event(request_id=f"s{n}") for n in range(20)]
        loop.consumer.records += on_log(OUTCOMES, more, first=30)
        await loop.until(lambda: len(loop.offsets) == 50)
        writing = [
            each
            for each in asyncio.all_tasks()
            if getattr(each.get_coro(), "__qualname__", "") == "Sink._serve"
        ]
        assert len(writing) == 1

    assert _run(30, case).offsets == list(range(50))


def test_a_recreated_topic_ends_the_sink_by_name() -> None:
    async def case(loop: Loop) -> None:
        await loop.sink.on_partitions_assigned([PARTITION])
        await loop.until(lambda: len(loop.offsets) == 30)
        del loop.consumer.records[5:]
        loop.consumer.faults.append(OffsetOutOfRangeError({PARTITION: 30}))

    with pytest.raises(LogRecreatedError, match=r"llm\.events\.outcomes\.v1:0"):
        _run(30, lambda loop: _until_ended(loop, case))


async def _until_ended(loop: Loop, case: Callable[[Loop], Awaitable[None]]) -> None:
    await case(loop)
    await loop.until(lambda: loop.status.state == "stopping")
