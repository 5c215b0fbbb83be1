"""What a replay reads of the tables: costs of any size that a call can have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.codec import Codec
from schemas.topics import COST, REPLAY_DECISIONS
from sinks.clickhouse_store import ClickHouseStore
from sinks.log import Place
from sinks.replays import ReplayTables
from sinks.settings import SinkSettings
from streams.replay.rows import _BLANK, DECISION
from tests.sql.log import T0, Record, cost_event, on_log, store_records

USD = 1_000_000_000


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("usd", [0.000000001, 9.223372037, 100, 999_999_999])
def test_a_call_of_any_cost_can_be_replayed(settings: SinkSettings, usd: float) -> None:
    cost_nano = round(usd * USD)
    found = asyncio.run(_seen(settings, cost_nano))
    assert [row["paid_nano"] for row in found] == [cost_nano]


async def _seen(settings: SinkSettings, cost_nano: int) -> list[dict[str, Any]]:
    store = ClickHouseStore(settings)
    source = {"topic": "llm.requests.v1", "partition": 0, "offset": 0, "timestamp": T0}
    decision = _BLANK | {
        "run_id": "r", "kind": DECISION, "at": T0, "tenant": "acme", "request_id": "r1",
        "source": ("sluice.v1.Source", source),
    }  # fmt: skip
    row = Record(offset=0, value=Codec("ReplayDecision").encode(decision))
    try:
        await store_records(store, Place(REPLAY_DECISIONS, 0), [row])
        calls = on_log(COST, [cost_event(cost_nano=cost_nano, at=T0 + 5)])
        await store_records(store, Place(COST, 0), calls)
    finally:
        await store.close()
    tables = ReplayTables(settings)
    try:
        return list(tables.rows("seen", run="r", since=T0 - 1, until=T0 + 1_000))
    finally:
        tables.close()
