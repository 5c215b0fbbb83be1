"""Loads a history into a new database, runs queries on it, and compares results."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from sinks.analytics.named_queries import question
from sinks.analytics.query_runner import TimeRange, asker
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.settings import SinkSettings
from tests.fixtures.migrated import make_migrated
from tests.fixtures.services import run_sql
from tests.sql.rig.lives import Life
from tests.sql.rig.log import store_records
from tests.sql.rig.traffic import as_log

Row = dict[str, Any]
RunQuery = Callable[..., list[Row]]
PERCENTILES = {"p50", "p95", "p99"}


@contextmanager
def history(
    clickhouse: str, name: str, lives: list[Life], *, since: int, until: int
) -> Iterator[RunQuery]:
    """Runs queries on a database with these lives, over a range of broker time, ms."""
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=name)
    run_sql(clickhouse, f"DROP DATABASE IF EXISTS {name} SYNC")
    make_migrated(settings)
    asyncio.run(_fill(settings, lives))
    range_ = between(since, until)
    try:
        with asker(settings) as asking:

            def put(name: str, **parameters: str) -> list[Row]:
                return asking.ask(question(name), range_=range_, parameters=parameters).by_name()

            yield put
    finally:
        run_sql(clickhouse, f"DROP DATABASE {name} SYNC")


async def _fill(settings: SinkSettings, lives: list[Life]) -> None:
    store = ClickHouseStore(settings)
    try:
        for place, records in as_log(lives).items():
            await store_records(store, place, records)
    finally:
        await store.close()


def between(since: int, until: int) -> TimeRange:
    """A range of broker time, ms."""
    return TimeRange(since=time_of(since), until=time_of(until))


def time_of(ms: int) -> datetime:
    """Broker time as the driver returns it."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def mean(values: Sequence[float]) -> float | None:
    """The mean; `None` without values."""
    return statistics.fmean(values) if values else None


def quantile(values: Sequence[float], part: float) -> float:
    """Linear between the two nearest, as spreadsheets do it."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def sketched(values: Sequence[float], part: float) -> float:
    """The value of the lower rank, which a DDSketch is at most 1 % away from."""
    ordered = sorted(values)
    return ordered[int(part * (len(ordered) - 1))]


def same(found: list[Row], expected: list[Row], *keys: str, rel: float = 1e-9) -> None:
    """Whether the rows are equal, whatever their order; floats nearly, money exactly."""

    def order(row: Row) -> tuple[str, ...]:
        return tuple(str(row[key]) for key in keys)

    assert sorted(map(order, found)) == sorted(map(order, expected))
    for row, wanted in zip(sorted(found, key=order), sorted(expected, key=order), strict=True):
        assert set(row) == set(wanted)
        for name, value in wanted.items():
            near = pytest.approx(value, rel=rel, abs=1e-12) if isinstance(value, float) else value
            assert row[name] == near, (name, order(row))


def same_sketched(found: list[Row], expected: list[Row], *keys: str) -> None:
    """As `same`, percentiles within 1 %."""
    names = [name for row in expected for name in row if name.rpartition("_")[2] in PERCENTILES]
    plain = [{name: row[name] for name in row if name not in names} for row in found]
    same(plain, [{name: row[name] for name in row if name not in names} for row in expected], *keys)
    same(found, expected, *keys, rel=0.0101)
