"""Every column of a stored row has the value of its field, for full events and for empty ones."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from schemas.encoding.avro_schemas import Schema
from schemas.encoding.codec import Codec
from schemas.topics import ALERTS, COST, OUTCOMES, QUALITY, REGISTRY, REPLAY_DECISIONS
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable, table_of
from sinks.settings import SinkSettings
from tests.sql.rig.log import T0, Record, store_records

EVENTS = {
    COST: "CostEvent",
    QUALITY: "QualityEvent",
    OUTCOMES: "OutcomeEvent",
    ALERTS: "Alert",
    REPLAY_DECISIONS: "ReplayDecision",
}
APPENDED_AT = datetime(2026, 1, 1, 0, 0, 1, 234_000, tzinfo=UTC)


def _branches(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _filled(schema: Schema, numbers: Iterator[int]) -> dict[str, Any]:
    """An event in which every field is set, each to another value."""
    return {field["name"]: _value(field["type"], numbers) for field in schema["fields"]}


def _value(kind: Any, numbers: Iterator[int]) -> Any:
    inner = next(branch for branch in _branches(kind) if branch != "null")
    if isinstance(inner, dict):
        if inner.get("logicalType") == "timestamp-millis":
            return T0 + next(numbers)
        if inner["type"] == "record":
            return _filled(inner, numbers)
        return [_value(inner["items"], numbers), _value(inner["items"], numbers)]
    number = next(numbers)
    # Doubles lie between 0 and 1: probabilities are among them.
    share = (number + 0.25) / 1_024
    return {"string": f"text-{number}", "boolean": True, "double": share}.get(inner, number)


def _emptied(schema: Schema, numbers: Iterator[int]) -> dict[str, Any]:
    """An event in which every field that can be absent is."""
    return {
        field["name"]: None if isinstance(field["type"], list) else _value(field["type"], numbers)
        for field in schema["fields"]
    }


def _expected(table: EventTable, event: dict[str, Any], source: str) -> Any:
    path = source.removesuffix("?")
    outer, _, inner = path.partition(".")
    kind = _kind(table.event, outer)
    value = event[outer]
    if inner:
        record = next(branch for branch in _branches(kind) if isinstance(branch, dict))
        kind = _kind(record, inner)
        value = value[inner] if value is not None else None
    plain = next(branch for branch in _branches(kind) if branch != "null")
    if value is None:
        return None if source.endswith("?") else _default(plain)
    if path.endswith("_nano"):
        return Decimal(value).scaleb(-9)
    if isinstance(plain, dict) and plain.get("logicalType") == "timestamp-millis":
        return _time(value)
    return value


def _kind(record: Schema, name: str) -> Any:
    return next(field["type"] for field in record["fields"] if field["name"] == name)


def _default(kind: Any) -> Any:
    if isinstance(kind, dict):
        return [] if kind["type"] == "array" else _time(0)
    return {"string": "", "boolean": False, "double": 0.0}.get(kind, 0)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _stored(tables: Client, settings: SinkSettings, topic: str, record: Record) -> dict[str, Any]:
    async def case() -> None:
        store = ClickHouseStore(settings)
        try:
            await store_records(store, Place(topic, 3), [record])
        finally:
            await store.close()

    asyncio.run(case())
    result = tables.query(f"SELECT * FROM {table_of(topic).name}", query_tz="UTC", tz_mode="aware")
    (row,) = result.result_rows
    return dict(zip(result.column_names, row, strict=True))


@pytest.mark.parametrize("make", [_filled, _emptied], ids=["full", "empty"])
@pytest.mark.parametrize("topic", EVENTS)
def test_every_column_has_the_value_of_its_field(
    tables: Client, settings: SinkSettings, topic: str, make: Any
) -> None:
    table = table_of(topic)
    event = make(table.event, itertools.count(1))
    value = Codec(EVENTS[topic]).encode(event)
    record = Record(offset=7, timestamp=T0 + 1_234, key=b"a/b", value=value)
    row = _stored(tables, settings, topic, record)

    assert {name: row[name] for name in table.columns} == {
        name: _expected(table, event, source) for name, source in table.columns.items()
    }
    assert (row["topic"], row["partition"], row["offset"]) == (topic, 3, 7)
    assert row["appended_at"] == APPENDED_AT
    assert row.get("repeat", 0) == 0


def test_a_registry_record_is_identified_by_its_key(tables: Client, settings: SinkSettings) -> None:
    value = orjson.dumps({"registry": "abc", "by": "ann"})
    row = _stored(tables, settings, REGISTRY, Record(offset=0, key=b"current", value=value))

    assert (row["entry"], row["version"], row["published_by"]) == ("current", "abc", "ann")
    assert row["size"] == len(value)


def test_a_dead_letter_keeps_hash_size_and_headers_and_no_byte_of_its_payload(
    tables: Client, settings: SinkSettings
) -> None:
    record = Record(
        offset=0,
        key=b"secret key",
        value=b"secret prompt",
        headers=[
            ("dlq-cause", b"undecodable"),
            ("dlq-reason", b"not JSON"),
            ("dlq-source", b"llm.requests.v1:0:9"),
            ("dlq-worker", b"w1"),
            ("correlation-id", b"\xffc1" + b"x" * 400),
            ("authorization", b"Bearer secret"),
            ("x-api-key", b"secret"),
            ("", b"secret"),
        ],
    )
    row = _stored(tables, settings, "llm.requests.v1.dlq", record)

    assert (row["cause"], row["reason"], row["worker"]) == ("undecodable", "not JSON", "w1")
    assert row["source"] == "llm.requests.v1:0:9"
    assert (row["size"], row["key_size"]) == (13, 10)
    assert row["sha256"] == sha256(b"secret prompt").hexdigest()
    assert list(row["headers"]) == ["correlation-id"]
    assert len(row["headers"]["correlation-id"]) == 256
    assert "secret" not in str(row)
