"""What a replay reads of the tables: costs of any size that a call can have."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import CostEvent
from schemas.topics import COST, REPLAY_DECISIONS
from sinks.analytics.replays import ReplayTablesClient
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from streams.offline.replay.rows import _BLANK, DECISION
from streams.providers.port import Usage
from streams.providers.pricing.booked_usage import event_fields, usage_of
from tests.sql.rig.log import T0, Record, cost_event, on_log, store_records

USD = 1_000_000_000


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("usd", [0.000000001, 9.223372037, 100, 999_999_999])
def test_a_call_of_any_cost_can_be_replayed(settings: SinkSettings, usd: float) -> None:
    cost_nano = round(usd * USD)
    found = asyncio.run(_seen(settings, cost_event(cost_nano=cost_nano, at=T0 + 5)))
    assert [row["paid_nano"] for row in found] == [cost_nano]


USED = Usage(
    input_tokens=1_000,
    output_tokens=100,
    cache_read_tokens=0,
    cache_write_tokens=300,
    cache_write_1h_tokens=200,
    reasoning_tokens=40,
    audio_input_tokens=50,
    audio_output_tokens=7,
    web_searches=3,
    service_tier="priority",
    speed="fast",
    geography="us",
    unknown=("videos", "server_tool_use.x"),
)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    "usage", [USED, Usage(), Usage(input_tokens=0, web_searches=0), Usage(service_tier="flex")]
)
def test_a_replay_reads_all_usage_that_determines_a_call_s_price(
    settings: SinkSettings, usage: Usage
) -> None:
    fields = as_record(replace(CostEvent(**cost_event(at=T0 + 5)), **event_fields(usage)))
    (row,) = asyncio.run(_seen(settings, fields))
    assert usage_of(row) == usage


async def _seen(settings: SinkSettings, event: dict[str, Any]) -> list[dict[str, Any]]:
    store = ClickHouseStore(settings)
    source = {"topic": "llm.requests.v1", "partition": 0, "offset": 0, "timestamp": T0}
    decision = _BLANK | {
        "run_id": "r", "kind": DECISION, "at": T0, "tenant": "acme", "request_id": "r1",
        "source": ("sluice.v1.Source", source),
    }  # fmt: skip
    row = Record(offset=0, value=Codec("ReplayDecision").encode(decision))
    try:
        await store_records(store, Place(REPLAY_DECISIONS, 0), [row])
        calls = on_log(COST, [event])
        await store_records(store, Place(COST, 0), calls)
    finally:
        await store.close()
    tables = ReplayTablesClient(settings)
    try:
        return list(tables.rows("seen", run="r", since=T0 - 1, until=T0 + 1_000))
    finally:
        tables.close()
