"""A sink's metrics: stored, failed and retried inserts, and the backlog."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from schemas.errors import FencedError
from schemas.topics import OUTCOMES
from sinks.clickhouse.in_memory_store import MemoryStore
from sinks.clickhouse.measured_store import MeasuredStore
from sinks.errors import UnreachableError
from sinks.metrics import MOST_PLACES, OTHER, SinkMetrics
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.tables import table_of
from sinks.status import SinkStatus
from tests.unit.sinks.world import PLACE, FixedClock

TABLE = table_of(OUTCOMES)


def _batch(*repeats: int) -> Batch:
    rows = tuple(Row(offset, 0, repeat, b"event") for offset, repeat in enumerate(repeats))
    return Batch(place=PLACE, table=TABLE, rows=rows, size=500, ingested_at=0)


class _World:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.metrics = SinkMetrics()
        self.memory = MemoryStore()
        self.store = MeasuredStore(self.memory, self.metrics, self.clock)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_an_insert_is_counted_with_its_rows_repeats_size_and_time() -> None:
    world = _World()

    def slow(batch: Batch) -> None:
        world.clock.ms += 40

    world.memory.before = slow

    async def scenario() -> None:
        claim = (await world.store.claim([PLACE]))[PLACE]
        await world.store.insert(_batch(0, 1, 0), claim)

    asyncio.run(scenario())
    assert world.value("sluice_sink_takeovers_total", topic=OUTCOMES) == 1
    assert world.value("sluice_sink_inserts_total", table="outcomes") == 1
    assert world.value("sluice_sink_rows_total", table="outcomes") == 3
    assert world.value("sluice_sink_repeats_total", table="outcomes") == 1
    assert world.value("sluice_sink_insert_seconds_sum", table="outcomes") == pytest.approx(0.04)
    assert world.value("sluice_sink_insert_bytes_sum", table="outcomes") == 500


def test_a_failed_insert_counts_by_its_error_and_adds_no_rows() -> None:
    world = _World()

    def away(batch: Batch) -> None:
        raise UnreachableError("no answer")

    world.memory.before = away

    async def scenario() -> None:
        claim = (await world.store.claim([PLACE]))[PLACE]
        with pytest.raises(UnreachableError):
            await world.store.insert(_batch(0), claim)

    asyncio.run(scenario())
    failed = {"table": "outcomes", "error": "UnreachableError"}
    assert world.value("sluice_sink_insert_failures_total", **failed) == 1
    assert world.value("sluice_sink_rows_total", table="outcomes") is None


def test_rows_of_an_insert_with_a_lost_response_count_when_found() -> None:
    world = _World()

    def lost(batch: Batch) -> None:
        raise UnreachableError("cut off")

    world.memory.after = lost

    async def scenario() -> None:
        claim = (await world.store.claim([PLACE]))[PLACE]
        with pytest.raises(UnreachableError):
            await world.store.insert(_batch(0, 0), claim)
        assert await world.store.settle(_batch(0, 0), claim)

    asyncio.run(scenario())
    assert world.value("sluice_sink_rows_total", table="outcomes") == 2
    assert world.value("sluice_sink_inserts_total", table="outcomes") is None


def test_a_failed_lease_is_counted() -> None:
    class Fenced(MemoryStore):
        async def claim(self, places: object) -> dict:  # type: ignore[type-arg]
            raise FencedError("claimed by another")

    metrics = SinkMetrics()
    with pytest.raises(FencedError):
        asyncio.run(MeasuredStore(Fenced(), metrics, FixedClock()).claim([PLACE]))
    value = metrics.registry.get_sample_value
    assert value("sluice_sink_takeover_failures_total", {"error": "FencedError"}) == 1


def test_a_scrape_reads_the_sink_as_it_is_now() -> None:
    metrics = SinkMetrics(CollectorRegistry())
    status = SinkStatus(instance="sink-1", partitions=4)
    lag = {Place(OUTCOMES, 1): 7}
    metrics.observe(status, lambda: lag, lambda: 1_000)
    value = metrics.registry.get_sample_value
    assert value("sluice_sink_lag_records", {"topic": OUTCOMES, "partition": "1"}) == 7
    assert value("sluice_sink_buffered_bytes") == 1_000
    assert value("sluice_sink_partitions") == 4
    assert value("sluice_sink_state_info", {"state": "starting"}) == 1
    status.running()
    assert value("sluice_sink_state_info", {"state": "running"}) == 1


def test_partitions_beyond_the_bound_are_shown_together() -> None:
    metrics = SinkMetrics()
    many = {Place(OUTCOMES, number): 1 for number in range(MOST_PLACES + 5)}
    metrics.observe(SinkStatus(instance="sink-1"), lambda: many, lambda: 0)
    value = metrics.registry.get_sample_value
    assert value("sluice_sink_lag_records", {"topic": OTHER, "partition": OTHER}) == 5
