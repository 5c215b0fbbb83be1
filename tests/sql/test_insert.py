"""The guarded insert on a real ClickHouse: fenced, deduplicated, all or nothing, exact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from schemas.errors import FencedError
from schemas.topics import COST, OUTCOMES
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.clickhouse.connection import connect
from sinks.clickhouse.insert_sql import QUERY_PREFIX, query_id
from sinks.errors import BatchUnverifiedError, ClickHouseRefusedError
from sinks.ingest.partition_writer import blames_rows
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch, BatchLimits
from sinks.rows.log_position import Place
from sinks.rows.row_reader import reader_of
from sinks.rows.tables import CALLS
from sinks.settings import SinkSettings
from tests.rig.observed.polling import until_true
from tests.sql.rig.log import T0, cost_event, on_log, outcome_event, store_records

PLACE = Place(COST, 2)
_PARTS = (
    "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'calls' "
    "AND active"
)
WithStore = Callable[[Callable[[ClickHouseStore], Any]], Any]


def _batch(first: int, count: int, place: Place = PLACE, **fields: Any) -> Batch:
    events = [cost_event(f"call-{first + n}", **fields) for n in range(count)]
    reader = reader_of(COST)
    rows = tuple(
        Row(record.offset, record.timestamp, 0, reader.read(record))
        for record in on_log(COST, events, first)
    )
    return Batch(
        place=place, table=CALLS, rows=rows, size=sum(row.size for row in rows), ingested_at=T0
    )


def _count(client: Client, table: str = "calls") -> tuple[int, int]:
    """Rows, and different offsets."""
    query = f"SELECT count(), uniqExact(topic, partition, offset) FROM {table}"
    return tuple(client.query(query).result_rows[0])  # type: ignore[return-value]


def test_the_insert_of_a_paused_predecessor_is_refused(
    tables: Client, with_store: WithStore
) -> None:
    """The predecessor wakes with a batch that its successor has stored already."""

    async def case(store: ClickHouseStore) -> None:
        old = (await store.claim([PLACE]))[PLACE]
        await store.insert(_batch(0, 150), old)
        new = (await store.claim([PLACE]))[PLACE]
        assert (await store.stored([PLACE]))[PLACE] == 149
        await store.insert(_batch(150, 100), new)
        for late in (_batch(150, 100), _batch(150, 50), _batch(250, 10)):
            with pytest.raises(FencedError, match="epoch 1 has ended"):
                await store.insert(late, old)
            with pytest.raises(FencedError):
                await store.settle(late, old)

    with_store(case)

    assert _count(tables) == (250, 250)


def test_of_two_leases_of_one_epoch_only_the_greater_writes(
    tables: Client, with_store: WithStore
) -> None:
    async def case(store: ClickHouseStore) -> None:
        mine = (await store.claim([PLACE]))[PLACE]
        tables.command(
            "INSERT INTO sink_epochs VALUES "
            f"('{PLACE.topic}', {PLACE.partition}, {mine.epoch}, 'zzzz', 'other', now64(3))"
        )
        with pytest.raises(FencedError):
            await store.insert(_batch(0, 1), mine)

    with_store(case)

    assert _count(tables) == (0, 0)


def test_a_lease_covers_its_own_partition_only(tables: Client, with_store: WithStore) -> None:
    async def case(store: ClickHouseStore) -> None:
        claim = (await store.claim([PLACE]))[PLACE]
        await store.claim([Place(COST, 1), Place(OUTCOMES, 2)])
        await store.insert(_batch(0, 3), claim)
        assert await store.stored([Place(COST, 1)]) == {}

    with_store(case)

    assert _count(tables) == (3, 3)


def test_the_same_batch_again_is_dropped(tables: Client, with_store: WithStore) -> None:
    async def case(store: ClickHouseStore) -> None:
        claim = (await store.claim([PLACE]))[PLACE]
        for _ in range(3):
            await store.insert(_batch(0, 40), claim)
        assert await store.settle(_batch(0, 40), claim)
        assert not await store.settle(_batch(0, 41), claim)

    with_store(case)

    assert _count(tables) == (40, 40)


def test_rows_deleted_by_an_operator_can_be_stored_again(
    tables: Client, with_store: WithStore
) -> None:
    async def case(store: ClickHouseStore) -> None:
        await store.insert(_batch(0, 40), (await store.claim([PLACE]))[PLACE])
        tables.command("ALTER TABLE calls DELETE WHERE 1 SETTINGS mutations_sync = 2")
        await store.insert(_batch(0, 40), (await store.claim([PLACE]))[PLACE])

    with_store(case)

    assert _count(tables) == (40, 40)


def test_partitions_of_one_insert_are_stored_with_their_own_offsets(
    tables: Client, with_store: WithStore
) -> None:
    places = [Place(COST, number) for number in (11, 2, 0)]
    tables.command("SYSTEM STOP MERGES calls")

    async def case(store: ClickHouseStore) -> None:
        claims = await store.claim(places)
        batches = [_batch(10 * n, n + 1, place) for n, place in enumerate(places)]
        for _ in range(2):
            await store.insert_together([(each, claims[each.place]) for each in batches])
        assert await store.stored(places) == {places[0]: 0, places[1]: 11, places[2]: 22}
        assert await store.settle(batches[2], claims[places[2]])

    with_store(case)

    found = tables.query("SELECT partition, offset FROM calls ORDER BY offset").result_rows
    assert [tuple(row) for row in found] == [(11, 0), (2, 10), (2, 11), (0, 20), (0, 21), (0, 22)]
    assert tables.query(_PARTS).result_rows[0][0] == 1


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_joint_insert_of_partitions_is_atomic(
    tables: Client, with_store: WithStore, taken: int
) -> None:
    """One of them has a new owner: none of them is stored."""
    places = [Place(COST, number) for number in range(3)]

    async def case(store: ClickHouseStore) -> None:
        claims = await store.claim(places)
        await store.claim(places[taken : taken + 1])
        with pytest.raises(FencedError, match="0, 1, 2"):
            await store.insert_together([(_batch(0, 5, each), claims[each]) for each in places])

    with_store(case)

    assert _count(tables) == (0, 0)


def test_partitions_without_a_lease_are_refused(tables: Client, with_store: WithStore) -> None:
    async def case(store: ClickHouseStore) -> None:
        claim = (await store.claim([PLACE]))[PLACE]
        other = Place(COST, 1)
        for claims in (
            [(_batch(0, 1, other), replace(claim, place=other))],
            [(_batch(0, 1), claim), (_batch(0, 1, other), replace(claim, place=other))],
        ):
            with pytest.raises(FencedError):
                await store.insert_together(claims)

    with_store(case)

    assert _count(tables) == (0, 0)


def test_a_new_lease_kills_a_running_insert_that_contains_its_partition(
    tables: Client, with_store: WithStore, settings: SinkSettings
) -> None:
    prefix = f"{QUERY_PREFIX}/{settings.clickhouse_database}"
    mine, others = (
        query_id(prefix, COST, partitions, "x") for partitions in ((1, 2, 12), (1, 12, 22))
    )

    async def case(store: ClickHouseStore) -> None:
        running = [
            asyncio.create_task(asyncio.to_thread(_slow_query, settings, name))
            for name in (mine, others)
        ]
        names = {mine, others}
        await until_true(lambda: names <= set(_running(tables, prefix)))
        await store.claim([PLACE])
        assert _running(tables, prefix) == [others]
        tables.command(f"KILL QUERY WHERE query_id = '{others}' SYNC")
        await asyncio.gather(*running)

    with_store(case)


def _slow_query(settings: SinkSettings, name: str) -> None:
    client = connect(settings)
    with suppress(DriverError):
        client.command(
            "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT Null",
            settings={"query_id": name},
        )
    client.close()


def _running(client: Client, prefix: str) -> list[str]:
    query = f"SELECT query_id FROM system.processes WHERE startsWith(query_id, '{prefix}/')"
    return [row[0] for row in client.query(query).result_rows]


@pytest.mark.parametrize("harm", ["cut", "longer", "empty", "other"])
def test_bytes_that_are_no_event_refuse_the_whole_batch(
    tables: Client, with_store: WithStore, harm: str
) -> None:
    batch = _batch(0, 50)
    event = batch.rows[20].event
    harmed = {"cut": event[:-4], "longer": event + b"\0\0", "empty": b"", "other": b"\xff" * 40}
    rows = list(batch.rows)
    rows[20] = rows[20]._replace(event=harmed[harm])

    async def case(store: ClickHouseStore) -> None:
        claim = (await store.claim([PLACE]))[PLACE]
        with pytest.raises(ClickHouseRefusedError) as refused:
            await store.insert(replace(batch, rows=tuple(rows)), claim)
        assert blames_rows(refused.value)
        assert not await store.settle(batch, claim)

    with_store(case)

    assert _count(tables) == (0, 0)


def test_a_cut_event_is_found_and_becomes_a_dead_letter(
    tables: Client, with_store: WithStore
) -> None:
    records = on_log(COST, [cost_event(f"call-{n}") for n in range(20)])
    uncut = records[7].value or b""
    records[7] = replace(records[7], value=uncut[:-2])

    async def case(store: ClickHouseStore) -> None:
        with pytest.raises(BatchUnverifiedError) as doubt:
            await store_records(store, PLACE, records)
        await store_records(store, PLACE, records, careful_until=doubt.value.last)

    with_store(case)

    assert _count(tables) == (19, 19)
    (letter,) = tables.query("SELECT offset, cause, size FROM dead_letters").result_rows
    assert tuple(letter) == (7, "undecodable", len(uncut) - 2)


def test_cost_is_exact_to_the_nano_dollar_and_null_stays_null(
    tables: Client, with_store: WithStore
) -> None:
    nanos = [0, 1, 999_999_999, 1_000_000_001, 123_456_789_012_345_678, 999_999_999_999_999_999]
    events = [cost_event(f"c{n}", cost_nano=nano) for n, nano in enumerate([*nanos, None])]
    with_store(lambda store: store_records(store, PLACE, on_log(COST, events)))
    rows = tables.query("SELECT cost, input_tokens, latency_ms FROM calls ORDER BY offset")

    assert [row[0] for row in rows.result_rows] == [
        *(Decimal(nano).scaleb(-9) for nano in nanos),
        None,
    ]
    assert {(row[1], row[2]) for row in rows.result_rows} == {(None, None)}
    kind = tables.query("SELECT any(toTypeName(cost)) FROM calls").result_rows[0][0]
    assert kind == "Nullable(Decimal(18, 9))"


def test_the_next_owner_gets_the_dedup_keys_of_the_previous_one(
    tables: Client, with_store: WithStore
) -> None:
    """Keys out of ClickHouse mark the same repeats as the keys of a sink that never stopped."""
    place = Place(OUTCOMES, 0)
    events = [
        outcome_event("started", hop=0),
        outcome_event("parked", hop=0),
        outcome_event("escalated", hop=0, visit=1),
        outcome_event("replied", hop=1),
        outcome_event("failed", request_id="r2", tenant="ü"),
        outcome_event("escalated", request_id="r3"),
    ]
    again = [*events, outcome_event("replied", request_id="r3", hop=1)]

    async def case(store: ClickHouseStore) -> None:
        await store_records(store, place, on_log(OUTCOMES, events))
        await store_records(store, place, on_log(OUTCOMES, again, first=len(events)))
        calls = [cost_event("a"), cost_event("b")]
        await store_records(store, PLACE, on_log(COST, calls))
        await store_records(store, PLACE, on_log(COST, [*calls, cost_event("c")], first=2))

    with_store(case)
    marked = tables.query("SELECT repeat FROM outcomes ORDER BY offset").result_rows
    calls = tables.query("SELECT repeat FROM calls ORDER BY offset").result_rows

    assert [row[0] for row in marked] == [0] * 6 + [0, 1, 1, 1, 1, 1] + [0]
    assert [row[0] for row in calls] == [0, 0, 1, 1, 0]


def test_a_batch_is_one_part_whatever_its_rows(tables: Client, with_store: WithStore) -> None:
    """One insert, one part: stored completely or not at all."""
    tables.command("SYSTEM STOP MERGES calls")
    events = [cost_event(f"c{n}", at=T0 + n * 86_400_000) for n in range(5_000)]
    with_store(
        lambda store: store_records(store, PLACE, on_log(COST, events), BatchLimits(rows=5_000))
    )
    parts = tables.query(_PARTS)

    assert _count(tables) == (5_000, 5_000)
    assert parts.result_rows[0][0] == 1
