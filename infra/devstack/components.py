"""Components of the local pipeline: their start and their probes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from infra.devstack import clickhouse as clickhouse_part
from infra.devstack import kafka as kafka_part
from infra.devstack.clickhouse import LocalClickHouse, clickhouse_folder
from infra.devstack.kafka import LocalKafka
from infra.devstack.processes.ports import LOOPBACK, kept_port
from infra.devstack.processes.probes import (
    Health,
    health_at,
    http_answers,
    kafka_answers,
    without_secrets,
)
from infra.devstack.processes.process import Process, start_process
from infra.settings import InfraSettings
from schemas.errors import LocalStackError

READY_S = 60.0
GATEWAY_PORT = 8080
"""Usual port of the HTTP gateway."""

GRACE_S = 12.0
"""For a worker: 8 s for work in flight, then time to leave its group."""


class NotThereError(LocalStackError):
    """A configured external service does not respond."""

    def __init__(self, part: PipelineComponent) -> None:
        super().__init__(
            f"{part.name} at {part.address} does not respond; check the configured address, or "
            "unset it to use a local one"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineComponent:
    """One component. `launch` is `None` for an external service; `health` as in the state."""

    name: str
    address: str
    health: str | None
    launch: Callable[[], Process] | None
    ready_s: float = READY_S
    grace_s: float = GRACE_S

    def answers(self) -> bool:
        """Return whether it works, by its own protocol."""
        return part_answers(self.address, self.health)


def part_answers(address: str, health: str | None) -> bool:
    """Return whether a component works: by its health URL, or as Kafka without one."""
    return kafka_answers(address) if health is None else http_answers(health)


def part_health(address: str, health: str | None) -> Health:
    """Return the health of a component, by its health URL, or as Kafka without one."""
    if health is not None:
        return health_at(health)
    if kafka_answers(address):
        return Health(is_well=True)
    from core.kafka.preflight import no_answer  # noqa: PLC0415 - aiokafka

    return Health(is_well=False, problem=no_answer(address))


def kafka(settings: InfraSettings, home: Path) -> PipelineComponent:
    """Return the broker: the local one, or the operator's."""
    if settings.kafka_bootstrap_servers:
        return PipelineComponent(
            name="kafka", address=settings.kafka_bootstrap_servers, health=None, launch=None
        )
    node = LocalKafka.in_folder(home / "kafka", settings.kafka_port)
    return PipelineComponent(
        name="kafka",
        address=node.address,
        health=None,
        launch=node.launch,
        ready_s=kafka_part.READY_TIMEOUT_S,
    )


def clickhouse(settings: InfraSettings, home: Path) -> PipelineComponent:
    """Return the database: the local one, or the operator's."""
    if settings.clickhouse_url:
        shown = without_secrets(settings.clickhouse_url.rstrip("/"))
        return PipelineComponent(
            name="clickhouse", address=shown, health=f"{shown}/ping", launch=None
        )
    server = own_clickhouse(settings, home)
    return PipelineComponent(
        name="clickhouse",
        address=server.address,
        health=server.health,
        launch=server.launch,
        ready_s=clickhouse_part.READY_TIMEOUT_S,
    )


def own_clickhouse(settings: InfraSettings, home: Path) -> LocalClickHouse:
    """Return the server of the pipeline in `home`."""
    return LocalClickHouse.in_folder(clickhouse_folder(home), settings.clickhouse_port)


def simulator(settings: InfraSettings, home: Path) -> PipelineComponent:
    """Return the provider simulator, with its ledger in its folder."""
    folder = home / "simulator"
    port = kept_port(folder, "simulator", settings.simulator_port, usual=8089)
    command = [
        sys.executable, "-m", "infra.simulator", "--host", LOOPBACK, "--port", str(port),
        "--ledger", str(folder / "ledger.jsonl"),
    ]  # fmt: skip
    if settings.simulator_answers is not None:
        command += ["--answers", str(settings.simulator_answers.absolute())]
    if settings.simulator_latency_ms is not None:
        command += ["--latency-ms", f"{settings.simulator_latency_ms:g}"]
    return _ours("simulator", folder, port, command, {}, health="/admin/health")


def worker(
    settings: InfraSettings, home: Path, number: int, env: Mapping[str, str]
) -> PipelineComponent:
    """Return the worker in slot 1, 2, ...; its slot is its name in the consumer group."""
    name = f"worker-{number}"
    wanted = settings.worker_port and settings.worker_port + number - 1
    port = kept_port(home / name, name, wanted)
    own = {"SLUICE_WORKER_INSTANCE": name, "SLUICE_WORKER_PORT": str(port)}
    return _ours(name, home / name, port, _command("worker"), {**env, **own})


def sink(settings: InfraSettings, home: Path, env: Mapping[str, str]) -> PipelineComponent:
    """Return the sink."""
    port = kept_port(home / "sink", "sink", settings.sink_port)
    own = {"SLUICE_SINK_INSTANCE": "sink-1", "SLUICE_SINK_PORT": str(port)}
    return _ours("sink", home / "sink", port, _command("sink"), {**env, **own})


def gateway(settings: InfraSettings, home: Path, env: Mapping[str, str]) -> PipelineComponent:
    """Return the HTTP gateway, open to clients without a key on this machine."""
    folder = home / "gateway"
    port = kept_port(folder, "gateway", settings.gateway_port, usual=GATEWAY_PORT)
    ops = kept_port(folder / "ops", "gateway-ops", None)
    own = {
        "SLUICE_GATEWAY_HOST": LOOPBACK,
        "SLUICE_GATEWAY_PORT": str(port),
        "SLUICE_GATEWAY_OPS_PORT": str(ops),
        "SLUICE_GATEWAY_OPEN": "1",
    }
    part = _ours("gateway", folder, port, _command("gateway"), {**env, **own})
    return replace(part, health=f"http://{LOOPBACK}:{ops}/health")


def _ours(
    name: str,
    folder: Path,
    port: int,
    command: list[str],
    env: Mapping[str, str],
    *,
    health: str = "/health",
) -> PipelineComponent:
    address = f"http://{LOOPBACK}:{port}"
    return PipelineComponent(
        name=name,
        address=address,
        health=f"{address}{health}",
        launch=lambda: start_process(name, command, folder=folder, env=env),
    )


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "infra.cli", name]
