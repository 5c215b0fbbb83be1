"""A migrated ClickHouse database for each test that requests one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.clickhouse.connection import connect
from sinks.settings import SinkSettings
from tests.fixtures.migrated import make_migrated
from tests.sql.rig.asking import RunQuery, history
from tests.sql.rig.small_history import LIVES, SINCE, UNTIL


@pytest.fixture
def settings(clickhouse: str, database: str) -> SinkSettings:
    """Settings for an empty database of one test."""
    return SinkSettings(clickhouse_url=clickhouse, clickhouse_database=database)


@pytest.fixture
def client(settings: SinkSettings) -> Iterator[Client]:
    """A client on that database."""
    client = connect(settings)
    client.database = settings.clickhouse_database
    yield client
    client.close()


@pytest.fixture
def tables(client: Client, settings: SinkSettings) -> Client:
    """A client on that database, all migrations applied."""
    make_migrated(settings)
    return client


@pytest.fixture(scope="session")
def query_small_history(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the small history, over its range."""
    name = "a_small_history"
    with history(clickhouse, name, LIVES, since=SINCE, until=UNTIL) as put:
        yield put


Case = Callable[[ClickHouseStore], Awaitable[Any]]


@pytest.fixture
def with_store(settings: SinkSettings) -> Callable[[Case], Any]:
    """Runs a coroutine function on a store, and closes it."""

    def run(case: Case) -> Any:
        async def scenario() -> Any:
            store = ClickHouseStore(settings)
            try:
                return await case(store)
            finally:
                await store.close()

        return asyncio.run(scenario())

    return run
