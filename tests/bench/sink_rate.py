"""The sink: rows/s from the log into the tables beside plain inserts of such rows, and the CPU that
a steady load costs the sink and ClickHouse.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from confluent_kafka import Producer

from infra.devstack.preparation import migrate_tables
from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.clickhouse.connection import connect
from sinks.clickhouse.migrate import migrate
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.tables import table_of
from sinks.settings import SinkSettings
from tests.bench.figures import Figure
from tests.bench.sink_records import EVENTS_A_REQUEST, T0, Record, producer, records, send
from tests.fixtures.services import run_sql
from tests.rig.stack import Stack

PARTS = ("sink-1", "clickhouse", "kafka")
BARE = "sluice_bare"
"""Database of the bare inserts, its tables the same."""

_STORED = (
    "SELECT sum(total_rows) FROM system.tables WHERE database = 'sluice' "
    "AND name IN ('calls', 'quality', 'outcomes')"
)
_INSERTS = "SELECT value FROM system.events WHERE event = 'InsertQuery'"
_POLL_S = 0.05
_STORED_BY_S = 180.0
_BARE_ROWS = 25_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSize:
    """Requests whose events are stored at full speed; then a steady rate, requests/s, and its
    duration.

    `warm_up` seconds of it are not measured.
    """

    requests: int = 250_000
    rate: int = 100
    seconds: float = 40.0
    warm_up: float = 5.0


def measure_sink(size: SinkSize) -> list[Figure]:
    """All figures of the sink."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder, _stack(Path(folder)) as stack:
        return [*_full_speed(stack, size), *_steady(stack, size)]


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder)
    try:
        stack.start_kafka()
        stack.start_clickhouse()
        stack.create_topics()
        migrate_tables(stack.clickhouse_url)
        yield stack
    finally:
        stack.stop()


def _full_speed(stack: Stack, size: SinkSize) -> list[Figure]:
    total = size.requests * EVENTS_A_REQUEST
    log = producer(stack.bootstrap)
    for record in records(size.requests):
        send(log, record)
    log.flush()
    bare = asyncio.run(_bare_inserts(stack.clickhouse_url, total // 4))
    stack.start_sink(wait=False)
    first, begun = _until_stored(stack, 1)
    before = {name: stack.cpu_s(name) for name in PARTS}
    _, ended = _until_stored(stack, total)
    rows = total - first
    per_s = rows / (ended - begun)
    group = "sink at full speed"
    return [
        Figure(group=group, name="rows stored", value=per_s, unit="rows/s"),
        Figure(group=group, name="bare inserts of such rows", value=bare, unit="rows/s"),
        Figure(
            group=group,
            name="rows stored / bare inserts",
            value=per_s / bare,
            unit="times",
            at_least=0.6,
        ),
        *(
            Figure(
                group=group,
                name=f"{name} CPU",
                value=(stack.cpu_s(name) - before[name]) * 1e6 / rows,
                unit="us/row",
            )
            for name in PARTS
        ),
    ]


def _steady(stack: Stack, size: SinkSize) -> list[Figure]:
    """The CPU time of the same events when they arrive one by one."""
    already, warm_up = _stored(stack), int(size.rate * size.warm_up)
    requests = warm_up + int(size.rate * size.seconds)
    coming = records(requests)
    log = producer(stack.bootstrap)
    _at_rate(log, islice(coming, warm_up * EVENTS_A_REQUEST), size.rate)
    before, inserts = {name: stack.cpu_s(name) for name in PARTS}, _inserts(stack)
    begun = time.perf_counter()
    _at_rate(log, coming, size.rate)
    took = time.perf_counter() - begun
    cores = {name: (stack.cpu_s(name) - before[name]) / took for name in PARTS}
    inserts_per_s = (_inserts(stack) - inserts) / took
    log.flush()
    _until_stored(stack, already + requests * EVENTS_A_REQUEST)
    group = f"sink at {size.rate} requests/s"
    return [
        *(
            Figure(group=group, name=f"{name} CPU", value=value, unit="cores")
            for name, value in cores.items()
        ),
        Figure(group=group, name="inserts", value=inserts_per_s, unit="inserts/s"),
    ]


def _at_rate(log: Producer, coming: Iterator[Record], rate: int) -> None:
    start = time.perf_counter()
    for number, record in enumerate(coming):
        wait = start + number / (rate * EVENTS_A_REQUEST) - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        send(log, record)


async def _bare_inserts(url: str, rows: int) -> float:
    """Rows/s that ClickHouse stores with the sink's own statement, without the sink."""
    settings = SinkSettings(clickhouse_url=url, clickhouse_database=BARE)
    client = connect(settings)
    migrate(client, settings)
    batches = _batches(rows)
    store = ClickHouseStore(settings)
    try:
        claims = await store.claim({batch.place for batch in batches})
        begun = time.perf_counter()
        await asyncio.gather(*(store.insert(batch, claims[batch.place]) for batch in batches))
        return sum(len(batch.rows) for batch in batches) / (time.perf_counter() - begun)
    finally:
        await store.close()
        client.command(f"DROP DATABASE {BARE} SYNC")
        client.close()


def _batches(rows: int) -> list[Batch]:
    """Batches of rows like those on the log, in the same shares of the tables."""
    kept: dict[str, list[Row]] = {COST: [], QUALITY: [], OUTCOMES: []}
    for record in records(rows // EVENTS_A_REQUEST):
        of_topic = kept[record.topic]
        of_topic.append(Row(len(of_topic), T0, 0, record.event))
    return [
        Batch(
            place=Place(topic, number % 4),
            table=table_of(topic),
            rows=tuple(of_topic[start : start + _BARE_ROWS]),
            size=0,
            ingested_at=T0,
        )
        for topic, of_topic in kept.items()
        for number, start in enumerate(range(0, len(of_topic), _BARE_ROWS))
    ]


def _until_stored(stack: Stack, wanted: int) -> tuple[int, float]:
    """Wait for this many rows; how many there were then, and when that was seen."""
    until = time.perf_counter() + _STORED_BY_S
    while (stored := _stored(stack)) < wanted:
        if time.perf_counter() > until:
            raise SystemExit(f"only {stored} of {wanted} rows were stored in {_STORED_BY_S:g} s")
        time.sleep(_POLL_S)
    return stored, time.perf_counter()


def _stored(stack: Stack) -> int:
    return int(run_sql(stack.clickhouse_url, _STORED) or 0)


def _inserts(stack: Stack) -> int:
    return int(run_sql(stack.clickhouse_url, _INSERTS) or 0)
