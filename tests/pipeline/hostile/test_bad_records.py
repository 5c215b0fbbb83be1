"""Malformed records on every topic of a running pipeline: it continues."""

from __future__ import annotations

import asyncio
import shlex
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from core.kafka.consumer import open_consumer
from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from schemas.encoding.codec import Codec
from schemas.topic_declarations import declared_topics
from schemas.topics import (
    ALERTS,
    BUDGETS,
    COST,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
    WORKERS,
    dead_letter_topic,
    tier_topic,
    wait_topic,
)
from tests.fixtures.pipeline import running_pipeline
from tests.rig.hostile.bad_records import BadRecord, bad_records
from tests.rig.hostile.sender import sender
from tests.rig.observed.hot_registry import in_use, uses
from tests.rig.stack import Stack, fetch

TOPICS = (
    *(COST, QUALITY, OUTCOMES, BUDGETS, ALERTS, WORKERS, REPLAY_DECISIONS),
    *(tier_topic("simple"), wait_topic(1)),
)
EVERY = 12
"""One bad record of so many is sent; all of them are read in memory (tests/contract)."""
WITHIN_S = 30.0


def _chosen(topic: str, every: int) -> Iterator[BadRecord]:
    for number, record in enumerate(bad_records(topic)):
        # A cost event with one extreme field is a call that other tests would find in the tables.
        is_call = topic == COST and " = " in record.what
        # A broker rejects records without a key on a compacted topic.
        is_sendable = record.key or topic != BUDGETS
        if number % every == 0 and not is_call and is_sendable:
            yield record
    if topic == OUTCOMES:
        yield from (each for each in bad_records(topic) if each.what.startswith("result.l"))


def _send_bad(bootstrap: str, every: int = EVERY) -> None:
    """By a client that sends what aiokafka does not: records without key and value."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for topic in TOPICS:
        for record in _chosen(topic, every):
            producer.produce(
                topic, record.value, key=record.key, headers=list(record.headers), partition=0
            )
    for topic in declared_topics():
        if topic.retention_ms is not None:
            producer.produce(topic.name, value=None, key=None, partition=0)
    assert producer.flush(WITHIN_S) == 0


async def _stored(pipeline: Stack) -> None:
    """Wait until the sink has stored all that there is."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                health = await asyncio.to_thread(fetch, f"{pipeline.page_url('sink-1')}/health")
            except urllib.error.HTTPError as error:
                health = orjson.loads(error.read())
            if health["state"] == "running" and health["lag"] == 0:
                return
            await asyncio.sleep(0.2)


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Stack]:
    """An exclusive pipeline: among the bad records are forged ones that count."""
    with running_pipeline() as stack:
        yield stack


async def _found(bootstrap: str, topic: str, wanted: Any) -> None:
    consumer = open_consumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            async for record in consumer:
                if wanted(record):
                    return
    finally:
        await consumer.stop()


def _is_alert_about(topic: str) -> Any:
    def wanted(record: Any) -> bool:
        if not (record.value or b"").startswith(b"\xc3\x01"):
            return False
        try:
            alert = Codec("Alert").decode(record.value)
        except Exception:  # noqa: BLE001 - bad alerts are among them
            return False
        return (alert["rule"], alert["subject"]) == ("bad_record", topic)

    return wanted


def _source_of(dead: Any) -> bytes:
    return dict(dead.headers).get("dlq-source") or b""


def test_workers_and_sinks_continue_and_report_it(pipeline: Stack) -> None:
    async def scenario() -> None:
        version = await in_use(pipeline)
        await asyncio.to_thread(_send_bad, pipeline.bootstrap)
        async with sender(pipeline.bootstrap) as caller:
            replies = [await caller.ask({"prompt": "What is Kafka?"}) for _ in range(5)]
        assert {reply["status"] for reply in replies} == {"replied"}
        assert await in_use(pipeline) == version
        await _stored(pipeline)
        for topic in (COST, OUTCOMES):
            await _found(pipeline.bootstrap, ALERTS, _is_alert_about(topic))
            source = f"{topic}:0:".encode()
            await _found(
                pipeline.bootstrap,
                dead_letter_topic(topic),
                lambda record, source=source: _source_of(record).startswith(source),
            )

    asyncio.run(scenario())


def test_a_broken_registry_topic_is_repaired_by_a_command(
    pipeline: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pipeline.bootstrap)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "none"))

    def run(command: str, status: int = 0) -> str:
        assert report_faults(sluice, shlex.split(command)) == status, capsys.readouterr().err
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return printed.out

    async def breaks() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap)
        await producer.start()
        forged = b"registry/" + b"0" * 16
        for key, value in (
            (b"registry/\xff\xfe", b"{}"),
            (b"artifact/\xff", b"{}"),
            (forged, b"[" * 3_000 + b"]" * 3_000),
            (b"current", b'{"registry": "0000000000000000", "by": "x"}'),
            (b"current", b"[]"),
        ):
            await producer.send_and_wait(REGISTRY, value, key=key)
        await producer.stop()

    version = asyncio.run(in_use(pipeline))
    asyncio.run(breaks())

    run("registry repair --check", 1)
    run("registry show", 1)
    assert orjson.loads(run("registry show --all --json"))
    mended = orjson.loads(run("registry repair --json --by test"))
    assert mended["current"] == version
    assert len(mended["taken_out"]) == 3
    assert "in order" in run("registry repair --check")
    asyncio.run(uses(pipeline, version))
    run(f"registry rollback {version} --by test")
