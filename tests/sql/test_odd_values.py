"""Values that a worker never writes are stored or refused alike, decoded or not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import Codec
from schemas.encoding.value_checks import EVENTS, MAX_TIME_MS, bounds_of
from schemas.errors import UndecodableError
from schemas.topics import ALERTS, COST, OUTCOMES, QUALITY, REPLAY_DECISIONS
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.errors import ClickHouseRefusedError
from sinks.ingest.partition_writer import blames_rows
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.row_reader import EVENT_VALUES, reader_of
from sinks.rows.tables import table_of
from tests.rig.hostile.bad_records import least
from tests.sql.rig.log import T0, Record, cost_event, outcome_event, quality_event

WithStore = Callable[[Callable[[ClickHouseStore], Any]], Any]
DOUBLES = (7.5, -1.0, -0.5, 0.0, 0.25, 1.0, 1.0000001, -1e300, 1e300, 1e13, math.inf, math.nan)
LONGS = (-1, 0, 1, 7, 600, 10**12, 10**12 + 1, 10**18 - 1, 10**18, 2**62, 2**63 - 1, -(2**63))
INTS = (-1, 0, 1, 999, 1_000, 70_000, 2**31 - 1, -(2**31))
TIMES = (T0, T0 + 1, 0, MAX_TIME_MS, MAX_TIME_MS + 1, -1, 2**62)
SHARE_OF_EXTREMES = 0.15
EACH = 150


def _extreme(kind: Any, rng: random.Random) -> Any:
    if isinstance(kind, dict):
        if kind.get("logicalType") == "timestamp-millis":
            return rng.choice(TIMES)
        if kind["type"] == "array" and kind["items"] == "double":
            return [rng.choice(DOUBLES[:-2]) for _ in range(rng.randrange(4))]
        return None
    values: dict[str, tuple[Any, ...]] = {"double": DOUBLES, "long": LONGS, "int": INTS}
    return rng.choice(values[kind]) if kind in values else None


def _spoil(value: dict[str, Any], schema: Any, rng: random.Random) -> None:
    for field in schema["fields"]:
        for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
            if isinstance(kind, dict) and kind["type"] == "record":
                inner = value.get(field["name"])
                if inner is None and rng.random() < 0.5:
                    inner = value[field["name"]] = least(kind)
                if inner is not None:
                    _spoil(inner, kind, rng)
            elif rng.random() < SHARE_OF_EXTREMES:
                extreme = _extreme(kind, rng)
                if extreme is not None:
                    value[field["name"]] = extreme


def _events(topic: str, rng: random.Random) -> list[dict[str, Any]]:
    schema = whole_schema(EVENT_VALUES[topic])
    events = []
    for _ in range(EACH):
        event = least(schema)
        _spoil(event, schema, rng)
        events.append(event)
    return events


@pytest.mark.parametrize("topic", EVENT_VALUES)
def test_both_paths_store_and_refuse_the_same(
    tables: Client, with_store: WithStore, topic: str
) -> None:
    rng = random.Random(topic)
    codec, reader = Codec(EVENT_VALUES[topic]), reader_of(topic)
    fast, careful, refused = [], [], []
    for number, event in enumerate(_events(topic, rng)):
        record = Record(offset=number, value=codec.encode(event))
        raw = reader.read(record)
        try:
            proven = reader.read_carefully(record)
        except UndecodableError:
            refused.append(Row(len(refused), T0, 0, raw))
        else:
            fast.append(Row(number, T0, 0, raw))
            careful.append(Row(number, T0, 0, proven))
    assert len(fast) > EACH / 20
    assert len(refused) > EACH / 20

    def batch(partition: int, rows: list[Row]) -> Batch:
        return Batch(
            place=Place(topic, partition), table=table_of(topic), rows=tuple(rows),
            size=sum(row.size for row in rows), ingested_at=T0,
        )  # fmt: skip

    async def case(store: ClickHouseStore) -> None:
        places = [Place(topic, partition) for partition in (0, 1, 2)]
        claims = await store.claim(places)
        await store.insert(batch(0, fast), claims[places[0]])
        await store.insert(batch(1, careful), claims[places[1]])
        for row in refused[:40]:
            with pytest.raises(ClickHouseRefusedError) as raised:
                await store.insert(batch(2, [row]), claims[places[2]])
            assert blames_rows(raised.value)

    with_store(case)

    table = table_of(topic).name
    names = ", ".join(f"`{name}`" for name in table_of(topic).columns)
    stored = [
        tables.query(
            f"SELECT offset, toString(tuple({names})) FROM {table} WHERE partition = {partition} "
            "ORDER BY offset"
        ).result_rows
        for partition in (0, 1, 2)
    ]
    assert len(stored[0]) == len(fast)
    assert stored[0] == stored[1]
    assert not stored[2]


EXTREMES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cost": (
        COST,
        cost_event(
            latency_ms=-5.0, input_tokens=-3, output_tokens=2**62, propensity=7.5, cost_nano=-1,
            http_status=70_000, hop=-7, cache_read_tokens=None,
        ),
        {
            "latency_ms": 0.0, "input_tokens": 0, "output_tokens": 10**12, "propensity": 1.0,
            "cost": 0, "http_status": 999, "hop": -1, "cache_read_tokens": None,
        },
    ),
    "quality": (QUALITY, quality_event(score=-2.0), {"score": 0.0, "hop": None}),
    "outcome": (
        OUTCOMES,
        outcome_event(result={"confidence": 7.5, "calls": -1, "latency_ms": -1e9}),
        {"confidence": 1.0, "calls": 0, "latency_ms": 0.0, "input_tokens": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EXTREMES)
@pytest.mark.parametrize("is_careful", [False, True])
def test_extreme_numbers_are_stored_within_their_bounds(
    tables: Client, with_store: WithStore, what: str, is_careful: bool
) -> None:
    topic, event, wanted = EXTREMES[what]
    record = Record(offset=0, value=Codec(EVENT_VALUES[topic]).encode(event))
    reader = reader_of(topic)
    raw = (reader.read_carefully if is_careful else reader.read)(record)
    place = Place(topic, 0)

    async def case(store: ClickHouseStore) -> None:
        rows = (Row(0, T0, 0, raw),)
        batch = Batch(place=place, table=table_of(topic), rows=rows, size=len(raw), ingested_at=T0)
        await store.insert(batch, (await store.claim([place]))[place])

    with_store(case)

    query = f"SELECT {', '.join(wanted)} FROM {table_of(topic).name}"
    assert dict(zip(wanted, tables.query(query).result_rows[0], strict=True)) == wanted


def test_each_number_of_an_event_has_bounds_or_needs_none() -> None:
    """A new field of an event gets bounds, or is named here."""
    unbounded = {("Alert", "value"), ("Alert", "threshold"), ("OutcomeEvent", "partition")}
    unbounded |= {(name, each) for name in EVENTS for each in ("partition", "offset")}
    found = set()

    def walk(name: str, schema: Any) -> None:
        for field in schema["fields"]:
            for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
                if isinstance(kind, dict) and kind["type"] == "record":
                    walk(name, kind)
                elif kind in ("int", "long", "double") or (
                    isinstance(kind, dict) and kind.get("items") == "double"
                ):
                    found.add((name, field["name"]))

    for name in EVENTS:
        walk(name, whole_schema(name))
    assert {each for each in found if bounds_of(*each) is None} - unbounded == set()
    assert set(EVENT_VALUES.values()) == EVENTS
    assert {ALERTS, REPLAY_DECISIONS} <= set(EVENT_VALUES)
