"""Prompts are read from a real log by position; from table and log to a published artifact."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.labels.kafka_log import KafkaPromptLog
from infra.labels.request_log import InMemoryPromptLog, LoggedValue, LogPlace, PromptLog
from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from streams.registry.registry_topic import read_history
from tests.fixtures.migrated import make_migrated
from tests.sql.rig.log import (
    cost_event,
    on_log,
    outcome_event,
    quality_event,
    store_records,
)
from tests.unit.offline.training.world import labels, train_quickly

ROWS = 120
Written = dict[LogPlace, LoggedValue]


async def _topics(kafka: str, *names: str, partitions: int = 2) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        new = [NewTopic(name, partitions, 1, topic_configs=config) for name in names]
        await admin.create_topics(new)
    finally:
        await admin.close()


async def _write(kafka: str, topic: str, values: Sequence[bytes]) -> Written:
    """Write values over two partitions; returns their positions and broker times."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        written = {}
        for number, value in enumerate(values):
            sent = await producer.send_and_wait(topic, value, partition=number % 2)
            place = LogPlace(topic=topic, partition=sent.partition, offset=sent.offset)
            written[place] = LoggedValue(value=value, timestamp=sent.timestamp)
        return written
    finally:
        await producer.stop()


async def _forget(kafka: str, place: LogPlace) -> None:
    """Delete all before this place, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        partition = TopicPartition(place.topic, place.partition)
        await admin.delete_records({partition: RecordsToDelete(before_offset=place.offset)})
    finally:
        await admin.close()


@pytest.mark.parametrize("kind", ["memory", "kafka"])
def test_records_at_the_positions_are_read_and_deleted_ones_skipped(
    kafka: str, own_name: str, kind: str
) -> None:
    async def case() -> None:
        await _topics(kafka, own_name)
        written = await _write(kafka, own_name, [b"value %d" % n for n in range(60)])
        first = min(written)
        await _forget(kafka, replace(first, offset=3))
        held = {place: value for place, value in written.items()
                if place.partition != first.partition or place.offset >= 3}  # fmt: skip
        log: PromptLog = InMemoryPromptLog(held) if kind == "memory" else KafkaPromptLog(
            {"bootstrap.servers": kafka}
        )  # fmt: skip
        wanted = [place for place in written if place.offset in {0, 1, 3, 4, 20, 29}]
        never = [replace(first, offset=900), replace(first, topic=f"{own_name}-never")]

        found = {place: value async for place, value in log.read([*wanted, *never])}
        assert found == {place: held[place] for place in wanted if place in held}
        assert len(found) == len(wanted) - 2
        assert log.missing_topics == {f"{own_name}-never"}
        assert [each async for each in log.read([])] == []

    asyncio.run(case())


def test_from_tables_and_log_to_a_published_artifact(
    kafka: str, clickhouse: str, own_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=own_name)
    make_migrated(settings)
    registry = f"{own_name}-registry"
    monkeypatch.setattr("streams.registry.registry_topic.REGISTRY", registry)
    asyncio.run(_topics(kafka, own_name, registry))
    asyncio.run(_fill(kafka, settings, own_name))
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", clickhouse)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_DATABASE", own_name)
    rows, out = tmp_path / "labels.jsonl", tmp_path / "router.json"
    command = ["train", "--since", "1d", "--labels-out", str(rows), "--out", str(out)]
    # The rules separate these labels as well as the model: which one wins is chance.
    command += ["--publish", "--force"]
    train_quickly(monkeypatch)

    status = report_faults(sluice, [*command, "--json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    found = json.loads(printed.out)
    assert found["gathered"]["prompts"] == {
        "stored": 0, "from_log": ROWS, "gone": 0, "missing_topics": [], "unreadable": 0
    }  # fmt: skip
    assert sorted(found["columns"]) == ["complex", "simple"]
    kept = [orjson.loads(line) for line in rows.read_bytes().splitlines()]
    assert {row["prompt"] for row in kept} == set(labels(ROWS).prompts)
    assert {row["weight"] for row in kept} == {10.0}
    history = asyncio.run(read_history({"bootstrap.servers": kafka}, keys=None))
    assert list(history.artifacts) == [found["artifact"]]


async def _fill(kafka: str, settings: SinkSettings, topic: str) -> None:
    """Requests on the log and in the tables: answered by one tier, with a shadow call to
    another.
    """
    world = labels(ROWS).rows
    values = [orjson.dumps({"request_id": f"r{n}", "prompt": row.prompt})
              for n, row in enumerate(world)]  # fmt: skip
    written = await _write(kafka, topic, values)
    calls, outcomes, signals = [], [], []
    for number, (row, (place, logged)) in enumerate(zip(world, written.items(), strict=True)):
        at = logged.timestamp + 100
        who = {"request_id": f"r{number}", "at": at}
        source = {"topic": topic, "partition": place.partition, "offset": place.offset,
                  "timestamp": logged.timestamp}  # fmt: skip
        outcomes.append(outcome_event(**who, source=source, result={"model": "mini"}, decision={}))
        for tier, model, known in (("simple", "mini", "small"), ("complex", "opus", "large")):
            shadow = tier == "complex"
            call = {"call_id": f"c{number}-{tier}", "tier": tier, "request_model": model}
            calls.append(
                cost_event(**who, **call, purpose="shadow" if shadow else "answer",
                           propensity=0.1 if shadow else None)
            )  # fmt: skip
            signals.append(quality_event(**who, **call, signal="judge", score=row.scores[known]))
    store = ClickHouseStore(settings)
    try:
        for name, events in ((COST, calls), (OUTCOMES, outcomes), (QUALITY, signals)):
            await store_records(store, Place(name, 0), on_log(name, events))
    finally:
        await store.close()
