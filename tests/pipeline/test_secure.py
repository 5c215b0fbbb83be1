"""Over TLS and SASL, on real servers: a request through worker, sink and commands; and the faults.

ClickHouse out of the chdb wheel serves no https (`SYSTEM START LISTEN HTTPS` is refused there), so
TLS is terminated before it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiokafka import TopicPartition

from core.kafka.access import KafkaAccess
from core.kafka.standalone import queries
from core.kafka.standalone.librdkafka_consumer import standalone
from core.kafka.standalone.port import StandaloneConsumer
from infra.devstack.registry import local_registry
from schemas.errors import KafkaAccessError
from schemas.topics import WORKERS
from tests.fixtures.pipeline import FLUSH_MS
from tests.fixtures.services import run_sql
from tests.rig.kafka.secure_kafka import (
    CLIENT,
    CLIENT_SECRET,
    PASSWORD,
    USER,
    Authority,
    SecureKafka,
    token_endpoint,
)
from tests.rig.kafka.tls_proxy import tls_before
from tests.rig.observed.collector import collector
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

pytestmark = pytest.mark.timeout(300)


@dataclass
class Secure:
    """A pipeline on a broker that accepts TLS only, and ClickHouse behind TLS."""

    stack: Stack
    kafka: SecureKafka
    env: dict[str, str]

    def sluice(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A command with the settings of this pipeline, and its result."""
        return subprocess.run(
            [sys.executable, "-m", "infra.cli", *arguments],
            env={**os.environ, "PYTHONPATH": os.getcwd(), **self.env, **env},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def done(self, *arguments: str, **env: str) -> str:
        """What a command prints that must succeed."""
        ended = self.sluice(*arguments, **env)
        assert ended.returncode == 0, ended.stderr
        assert_no_secret(ended.stdout + ended.stderr)
        return ended.stdout

    def refused(self, *arguments: str, **env: str) -> str:
        """The output of a command that must fail."""
        ended = self.sluice(*arguments, **env)
        assert ended.returncode == 1, (ended.returncode, ended.stderr)
        assert "Traceback" not in ended.stderr, ended.stderr
        assert_no_secret(ended.stdout + ended.stderr)
        return ended.stderr


def assert_no_secret(text: str) -> None:
    for word in (PASSWORD, CLIENT_SECRET, "wrong-word"):
        assert word not in text


@pytest.fixture(scope="module")
def secure(clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("secure")
    kafka = SecureKafka.in_folder(folder)
    broker = kafka.node.start()
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    server = urlsplit(clickhouse)
    clickhouse_password = folder / "clickhouse-password"
    clickhouse_password.write_text(f"{server.password or ''}\n")
    with tls_before(server.port or 8123, kafka.authority.issue("clickhouse")) as tls_port:
        env = {
            "SLUICE_HOME": str(folder),
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": kafka.node.address,
            "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "SLUICE_KAFKA_CA_FILE": str(kafka.authority.ca),
            "SLUICE_KAFKA_SASL_USERNAME": USER,
            "SLUICE_KAFKA_SASL_PASSWORD_FILE": str(password),
            "SLUICE_CLICKHOUSE_URL": f"https://127.0.0.1:{tls_port}",
            "SLUICE_CLICKHOUSE_USER": server.username or "default",
            "SLUICE_CLICKHOUSE_PASSWORD_FILE": str(clickhouse_password),
            "SLUICE_CLICKHOUSE_CA_FILE": str(kafka.authority.ca),
            "SLUICE_CLICKHOUSE_DATABASE": "secure",
        }
        stack = Stack(
            folder,
            kafka_at=kafka.node.address,
            clickhouse_at=env["SLUICE_CLICKHOUSE_URL"],
            env=env,
        )
        found = Secure(stack, kafka, env)
        try:
            found.done("topics", "create")
            found.done("migrate")
            stack.start_simulator("--latency-ms", "0")
            registry = folder / "registry.yaml"
            registry.write_text(local_registry(stack.simulator_url))
            found.done("registry", "apply", str(registry), "--no-wait")
            yield found
        finally:
            stack.stop()
            broker.kill()


def _requests(folder: Path, count: int) -> Path:
    file = folder / "requests.jsonl"
    lines = [json.dumps({"prompt": f"What is {number} + 1?"}) for number in range(count)]
    file.write_text("\n".join(lines))
    return file


def _answered(secure: Secure, folder: Path, count: int) -> None:
    totals = json.loads(secure.done("send", str(_requests(folder, count)), "--json"))
    assert totals["statuses"] == {"replied": count}


def _rows(secure: Secure) -> int:
    result = json.loads(secure.done("query", "spend", "--since", "1h", "--json"))
    return sum(row["calls"] for row in result["rows"])


def test_requests_go_through_worker_sink_and_commands_with_a_password(
    secure: Secure, clickhouse: str, tmp_path: Path
) -> None:
    stack = secure.stack
    stack.start_sink(SLUICE_SINK_FLUSH_MS=FLUSH_MS)
    worker = stack.start_worker()
    try:
        _answered(secure, tmp_path, 3)
        poll_until(lambda: int(run_sql(clickhouse, "SELECT count() FROM secure.spend")) >= 3)
        assert _rows(secure) >= 3
        assert "match their declaration" in secure.sluice("topics", "check").stderr
        assert secure.done("registry", "show")
        replayed = json.loads(secure.done("replay", "run", "--since", "1h", "--json"))
        assert replayed["requests"] == replayed["same"] >= 3
        assert_no_secret(worker.log.read_text() + stack.processes["sink-1"].log.read_text())
    finally:
        worker.stop()
        stack.processes["sink-1"].stop()


def test_a_worker_with_a_token_exports_its_traces(secure: Secure, tmp_path: Path) -> None:
    with token_endpoint(secure.kafka.issuer) as url, collector() as (traces, spans):
        worker = secure.stack.start_worker(
            2,
            SLUICE_TRACES_ENDPOINT=traces,
            SLUICE_KAFKA_SASL_MECHANISM="OAUTHBEARER",
            SLUICE_KAFKA_OAUTH_TOKEN_URL=url,
            SLUICE_KAFKA_OAUTH_CLIENT_ID=CLIENT,
            SLUICE_KAFKA_OAUTH_CLIENT_SECRET=CLIENT_SECRET,
        )
        try:
            _answered(secure, tmp_path, 2)
            assert_no_secret(worker.log.read_text())
            file = tmp_path / "token"
            file.write_text(secure.kafka.issuer.token())
            secure.done(
                "topics",
                "check",
                SLUICE_KAFKA_SASL_MECHANISM="OAUTHBEARER",
                SLUICE_KAFKA_OAUTH_TOKEN_FILE=str(file),
            )
        finally:
            worker.stop()
    assert spans.count("request") == 2
    # What is read again after a rebalance is classified again, and ends once.
    assert spans.count("classify") >= 2
    assert {name.split()[0] for name in spans} == {"request", "classify", "hop", "chat"}


@pytest.mark.parametrize("command", [("worker",), ("sink",), ("topics", "check"), ("ask", "Hi")])
def test_a_wrong_password_is_a_clear_error(secure: Secure, command: tuple[str, ...]) -> None:
    file = secure.stack.folder / "wrong"
    file.write_text("wrong-word")
    output = secure.refused(*command, SLUICE_KAFKA_SASL_PASSWORD_FILE=str(file))
    assert "the user or password was rejected" in output


@pytest.mark.parametrize("command", [("worker",), ("sink",)])
def test_an_untrusted_authority_is_a_clear_error(
    secure: Secure, command: tuple[str, ...], tmp_path: Path
) -> None:
    other = Authority(tmp_path, "Somebody else").make()
    output = secure.refused(*command, SLUICE_KAFKA_CA_FILE=str(other.ca))
    assert "its certificate is not trusted" in output
    assert "SLUICE_KAFKA_CA_FILE" in output


def test_a_wrong_protocol_for_a_port_is_named(secure: Secure) -> None:
    output = secure.refused("worker", SLUICE_KAFKA_SECURITY_PROTOCOL="PLAINTEXT")
    assert "SLUICE_KAFKA_SECURITY_PROTOCOL" in output
    output = secure.refused("worker", SLUICE_KAFKA_SECURITY_PROTOCOL="SSL")
    assert "it may require SASL" in output


def test_a_token_of_another_issuer_ends_it(secure: Secure, tmp_path: Path) -> None:
    forged = tmp_path / "token"
    forged.write_text(type(secure.kafka.issuer).make(tmp_path).token())
    output = secure.refused(
        "worker",
        SLUICE_KAFKA_SASL_MECHANISM="OAUTHBEARER",
        SLUICE_KAFKA_OAUTH_TOKEN_FILE=str(forged),
    )
    assert "the token was rejected" in output


@pytest.mark.parametrize(
    "wrong", [{"kafka_sasl_password": "wrong-word"}, {"kafka_ca_file": None}], ids=str
)
def test_a_reader_names_a_rejection_at_its_start(
    secure: Secure, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "START_S", 60.0)
    monkeypatch.setattr(queries, "REJECTED_AT_START_S", 0.0)
    monkeypatch.setattr(queries, "_ATTEMPT_S", 0.5)

    async def case() -> None:
        own = {**dict(secure.kafka.by_password), "kafka_sasl_password": PASSWORD}
        access = KafkaAccess.of(**{**own, **wrong})
        async with standalone(access.librdkafka_at(secure.kafka.node.address)) as reader:
            with pytest.raises(KafkaAccessError, match="SLUICE_KAFKA_"):
                await reader.partitions(WORKERS)

    asyncio.run(case())


async def _read_for_ever(reader: StandaloneConsumer) -> None:
    while True:
        await reader.read()


def test_a_reader_takes_a_renewed_token_and_names_one_that_is_rejected_later(
    secure: Secure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "REJECTED_S", 0.5)
    monkeypatch.setattr(queries, "_ATTEMPT_S", 0.5)
    issuer, place, file = secure.kafka.issuer, TopicPartition(WORKERS, 0), tmp_path / "token"
    access = KafkaAccess.of(
        kafka_security_protocol="SASL_SSL",
        kafka_ca_file=secure.kafka.authority.ca,
        kafka_sasl_mechanism="OAUTHBEARER",
        kafka_oauth_token_file=file,
    )
    given: list[str] = []
    settings = access.librdkafka_at(secure.kafka.node.address)
    ask = settings["oauth_cb"]

    def counted(config: str) -> tuple[str, float]:
        given.append(file.read_text())
        found: tuple[str, float] = ask(config)
        return found

    async def case() -> None:
        file.write_text(issuer.token(life_s=3))
        async with standalone({**settings, "oauth_cb": counted}) as reader:
            ends = await reader.ends([place])
            reader.assign(ends)
            second = issuer.token(life_s=3.5)
            file.write_text(second)
            while second not in given:
                await reader.read(timeout_s=0.1)
            assert (await reader.ends([place]))[place] >= ends[place]
            file.write_text(type(issuer).make(tmp_path).token(life_s=3))
            with pytest.raises(KafkaAccessError, match="rejects the connection"):
                await _read_for_ever(reader)

    asyncio.run(case())


@pytest.mark.parametrize("command", [("sink",), ("query", "spend")])
def test_clickhouse_s_certificate_must_be_trusted(
    secure: Secure, command: tuple[str, ...], tmp_path: Path
) -> None:
    other = Authority(tmp_path, "Somebody else").make()
    output = secure.refused(*command, SLUICE_CLICKHOUSE_CA_FILE=str(other.ca))
    assert "ClickHouse's certificate is not trusted" in output


@pytest.mark.parametrize("command", [("sink",), ("query", "spend")])
def test_a_wrong_password_of_clickhouse_ends_it(secure: Secure, command: tuple[str, ...]) -> None:
    file = secure.stack.folder / "wrong"
    file.write_text("wrong-word")
    output = secure.refused(
        *command, SLUICE_CLICKHOUSE_USER="nobody", SLUICE_CLICKHOUSE_PASSWORD_FILE=str(file)
    )
    assert "ClickHouse rejected" in output
