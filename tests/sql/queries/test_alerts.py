"""The question about alerts: the records of the log, newest first, of one rule or of all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert
from schemas.topics import ALERTS
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from tests.sql.rig.asking import RunQuery, history
from tests.sql.rig.log import T0, Record, store_records

NAME = "analytics_of_alerts"
CODEC = Codec("Alert")


def _alert(rule: str, state: str, at: int) -> Record:
    value = Alert(
        rule=rule,
        subject="gpt-4o/eu",
        state=state,
        severity="warning",
        message="its circuit is open",
        at=at,
        worker="w1",
    )
    return Record(offset=at - T0, timestamp=at, value=CODEC.encode(as_record(value)))


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    async def fill() -> None:
        store = ClickHouseStore(SinkSettings(clickhouse_url=clickhouse, clickhouse_database=NAME))
        changes = [
            ("provider_down", "fired", 0),
            ("budget", "fired", 1),
            ("provider_down", "resolved", 2),
        ]
        records = [_alert(rule, state, T0 + at) for rule, state, at in changes]
        await store_records(store, Place(ALERTS, 0), records)
        await store.close()

    with history(clickhouse, NAME, [], since=T0, until=T0 + 1_000) as put:
        asyncio.run(fill())
        yield put


def test_alerts_are_listed_newest_first(run_query: RunQuery) -> None:
    found = [(row["rule"], row["state"]) for row in run_query("alerts")]
    assert found == [
        ("provider_down", "resolved"),
        ("budget", "fired"),
        ("provider_down", "fired"),
    ]


def test_alerts_can_be_filtered_by_rule(run_query: RunQuery) -> None:
    found = run_query("alerts", rule="provider_down", limit="1")
    assert [(row["subject"], row["state"]) for row in found] == [("gpt-4o/eu", "resolved")]
