"""The local Kafka and ClickHouse as others use them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.devstack.clickhouse import LocalClickHouse
from infra.devstack.kafka import LocalKafka
from infra.devstack.processes.process import start_process
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.errors import LocalStackError
from schemas.topic_declarations import declared_topics
from schemas.topics import REQUESTS
from tests.fixtures.services import run_sql


def test_kafka_stores_and_returns_records(kafka: str) -> None:
    TopicsAdmin(kafka).create(declared_topics(), Partitions(requests=1))

    assert asyncio.run(_round_trip(kafka, b"hello")) == b"hello"


def test_clickhouse_stores_inserted_rows(clickhouse: str, database: str) -> None:
    run_sql(clickhouse, f"CREATE TABLE {database}.t (a Int32) ENGINE = MergeTree ORDER BY a")
    run_sql(clickhouse, f"INSERT INTO {database}.t VALUES (1), (2)")

    assert run_sql(clickhouse, f"SELECT sum(a) FROM {database}.t").strip() == "3"


def test_kafka_has_its_records_and_its_port_after_a_kill(tmp_path: Path) -> None:
    node = LocalKafka.in_folder(tmp_path / "kafka")
    process = node.start()
    try:
        TopicsAdmin(node.address).create(declared_topics(), Partitions(requests=1))
        asyncio.run(_round_trip(node.address, b"before"))
        process.kill()
        again = LocalKafka.in_folder(tmp_path / "kafka")
        process = again.start()

        assert again.address == node.address
        assert asyncio.run(_first_record(again.address)) == b"before"
    finally:
        process.kill()


def test_clickhouse_has_its_rows_and_its_port_after_a_kill(tmp_path: Path) -> None:
    server = LocalClickHouse.in_folder(tmp_path / "clickhouse")
    process = server.start()
    try:
        run_sql(server.url, "CREATE DATABASE kept")
        run_sql(server.url, "CREATE TABLE kept.t (a Int32) ENGINE = MergeTree ORDER BY a")
        run_sql(server.url, "INSERT INTO kept.t VALUES (7)")
        process.kill()
        again = LocalClickHouse.in_folder(tmp_path / "clickhouse")
        process = again.start()

        assert again.url == server.url
        assert run_sql(again.url, "SELECT a FROM kept.t").strip() == "7"
    finally:
        process.kill()


def test_a_port_in_use_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(LocalStackError, match=f"port {port} is in use.*SLUICE_CLICKHOUSE_PORT"):
            LocalClickHouse.in_folder(tmp_path, port).start()


def test_a_child_that_ends_early_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    child = start_process("part", [sys.executable, "-c", "raise SystemExit('broken')"],
                          folder=tmp_path)  # fmt: skip

    with pytest.raises(LocalStackError, match=r"(?s)part exited with status 1.*broken"):
        child.wait_ready(lambda: False, 20)


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; "
        "from infra.devstack.processes.process import start_process; "
        f"child = start_process('child', ['sleep', '600'], folder=Path({str(tmp_path)!r})); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    gone = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()

    import select

    assert select.select([gone], [], [], 20)[0]
    os.close(gone)


async def _round_trip(address: str, value: bytes) -> bytes:
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        sent = await producer.send_and_wait(REQUESTS, value, partition=0)
    return await _record(address, sent.offset)


async def _first_record(address: str) -> bytes:
    return await _record(address, 0)


async def _record(address: str, offset: int) -> bytes:
    place = TopicPartition(REQUESTS, 0)
    async with AIOKafkaConsumer(bootstrap_servers=address) as consumer:
        consumer.assign([place])
        consumer.seek(place, offset)
        return bytes((await consumer.getone(place)).value)
