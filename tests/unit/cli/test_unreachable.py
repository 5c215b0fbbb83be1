"""A command without a reachable Kafka or ClickHouse prints one line with the remedy."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.kafka import preflight
from infra import topics_admin
from infra.cli.main import sluice
from infra.cli.output.errors import FAILED, report_faults
from infra.devstack.processes.ports import free_port

REGISTRY = str(Path("infra/deploy/registry.yaml").resolve())
KAFKA = (
    ("ask", "hi"),
    ("alerts",),
    ("feedback", "r-1", "--score", "1"),
    ("registry", "apply", REGISTRY),
    ("registry", "repair"),
    ("registry", "rollback"),
    ("registry", "show"),
    ("topics", "check"),
    ("topics", "create"),
)
CLICKHOUSE = (("explain", "r-1"), ("migrate",), ("query", "savings"), ("report",))


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Other tests in this process may log to the terminal.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(topics_admin, "_REACH_S", 0.2)


def _error_lines(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> list[str]:
    assert report_faults(sluice, arguments) == FAILED
    # A client that is not closed logs a warning when it is collected.
    gc.collect()
    out, err = capfd.readouterr()
    assert not out
    return err.splitlines()


@pytest.mark.parametrize("arguments", KAFKA, ids=" ".join)
def test_an_unreachable_kafka_is_one_line_with_the_setting(
    arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    (line,) = _error_lines(arguments, capfd)
    assert line.startswith("sluice: Kafka at 127.0.0.1:")
    assert "SLUICE_KAFKA_BOOTSTRAP_SERVERS" in line


@pytest.mark.parametrize("arguments", CLICKHOUSE, ids=" ".join)
def test_an_unreachable_clickhouse_is_one_line_with_the_setting(
    arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    (line,) = _error_lines(arguments, capfd)
    assert line.startswith("sluice: ClickHouse is unreachable")
    assert "SLUICE_CLICKHOUSE_URL" in line


@pytest.fixture
def _silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A broker that is stopped: its port accepts connections, and nothing answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", address)
        monkeypatch.setattr(preflight, "TIMEOUT_MS", 200)
        yield


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize("arguments", KAFKA, ids=" ".join)
def test_a_kafka_that_does_not_answer_is_told_from_one_that_is_not_there(
    arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    (line,) = _error_lines(arguments, capfd)
    assert line.startswith("sluice: Kafka at 127.0.0.1:")
    assert "accepts connections but does not answer" in line
    assert "sluice up" not in line
