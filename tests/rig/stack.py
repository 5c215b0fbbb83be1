"""A pipeline of real processes in a folder; each can be killed, paused, restarted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from infra.devstack.clickhouse import LocalClickHouse
from infra.devstack.kafka import LocalKafka
from infra.devstack.preparation import migrate_tables
from infra.devstack.processes.ports import free_port
from infra.devstack.processes.process import Process, start_process
from infra.devstack.registry import local_registry
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topic_declarations import declared_topics
from streams.registry.publishing import publish_version
from streams.registry.version import parse_registry

READY_S = 60.0


@dataclass
class Stack:
    """The processes of one pipeline, by name.

    Kafka and ClickHouse are started for it, unless `kafka_at` and `clickhouse_at` name others.
    """

    folder: Path
    kafka_at: str | None = None
    clickhouse_at: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    partitions: int = 4

    def __post_init__(self) -> None:
        self.kafka = LocalKafka.in_folder(self.folder / "kafka")
        self.clickhouse = LocalClickHouse.in_folder(self.folder / "clickhouse")

    @property
    def bootstrap(self) -> str:
        return self.kafka_at or self.kafka.address

    @property
    def clickhouse_url(self) -> str:
        return self.clickhouse_at or self.clickhouse.url

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self._port('simulator')}"

    def worker_url(self, number: int = 1) -> str:
        return f"http://127.0.0.1:{self._port(f'worker-{number}')}"

    def page_url(self, name: str) -> str:
        """The address of a worker's or sink's operator pages."""
        return f"http://127.0.0.1:{self._port(name)}"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def _port(self, name: str) -> int:
        if name not in self.ports:
            self.ports[name] = free_port()
        return self.ports[name]

    def start_kafka(self, *, wait: bool = True) -> None:
        self.processes["kafka"] = self.kafka.start() if wait else self.kafka.launch()

    def start_clickhouse(self, *, wait: bool = True) -> None:
        node = self.clickhouse
        self.processes["clickhouse"] = node.start() if wait else node.launch()

    def start_simulator(self, *options: str, wait: bool = True) -> None:
        port = self._port("simulator")
        command = [
            sys.executable, "-m", "infra.simulator", "--port", str(port),
            "--ledger", str(self.ledger), *options,
        ]  # fmt: skip
        probe = f"{self.simulator_url}/admin/health"
        self._start("simulator", command, {}, lambda: answers(probe), wait=wait)

    def start_worker(
        self, number: int = 1, *, wait: bool = True, module: str | None = None, **env: str
    ) -> Process:
        """A worker, as users start it or as a module of tests does."""
        name = f"worker-{number}"
        settings = {
            "SLUICE_WORKER_INSTANCE": name,
            "SLUICE_WORKER_PORT": str(self._port(name)),
            **env,
        }
        command = self._worker_command(module)
        return self._start(name, command, settings, self.ready(name), wait=wait)

    def _worker_command(self, module: str | None) -> list[str]:
        code = (
            "from streams.worker.run import run_worker; "
            "from streams.worker.settings import WorkerSettings; "
            "run_worker(WorkerSettings())"
        )
        return [sys.executable, *(["-c", code] if module is None else ["-m", module])]

    def start_sink(self, number: int = 1, *, wait: bool = True, **env: str) -> Process:
        name = f"sink-{number}"
        settings = {
            "SLUICE_SINK_INSTANCE": name,
            "SLUICE_SINK_PORT": str(self._port(name)),
            **env,
        }
        command = [sys.executable, "-m", "sinks"]
        return self._start(name, command, settings, self.ready(name), wait=wait)

    def gateway_url(self, number: int = 1) -> str:
        """The address of a gateway's endpoints."""
        return f"http://127.0.0.1:{self._port(f'gateway-http-{number}')}"

    def start_gateway(self, number: int = 1, *, wait: bool = True, **env: str) -> Process:
        """A gateway that serves requests without a key, unless `env` says otherwise."""
        name = f"gateway-{number}"
        settings = {
            "SLUICE_GATEWAY_PORT": str(self._port(f"gateway-http-{number}")),
            "SLUICE_GATEWAY_OPS_PORT": str(self._port(name)),
            "SLUICE_GATEWAY_OPEN": "1",
            **env,
        }
        code = (
            "from streams.gateway.run import run_gateway; "
            "from streams.gateway.settings import GatewaySettings; "
            "run_gateway(GatewaySettings())"
        )
        return self._start(
            name,
            [sys.executable, "-c", code],
            settings,
            lambda: answers(f"http://127.0.0.1:{self._port(name)}/ready"),
            wait=wait,
        )

    def ready(self, name: str) -> Callable[[], bool]:
        """A probe of a worker's or sink's /health."""
        return lambda: answers(f"http://127.0.0.1:{self._port(name)}/health")

    def start_process(self, name: str, command: list[str], env: dict[str, str]) -> Process:
        """A process with the addresses of this pipeline in its environment."""
        shared = {
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "SLUICE_CLICKHOUSE_URL": self.clickhouse_url,
            "SLUICE_HOME": str(self.folder),
            "PYTHONPATH": os.getcwd(),
        }
        process = start_process(
            name, command, folder=self.folder / name, env={**shared, **self.env, **env}
        )
        self.processes[name] = process
        return process

    def _start(
        self,
        name: str,
        command: list[str],
        env: dict[str, str],
        probe: Callable[[], bool],
        *,
        wait: bool = True,
    ) -> Process:
        process = self.start_process(name, command, env)
        if wait:
            process.wait_ready(probe, READY_S)
        return process

    def create_topics(self) -> None:
        widths = Partitions(requests=self.partitions, pipeline=self.partitions)
        TopicsAdmin(self.bootstrap).create(declared_topics(), widths)

    async def apply_registry(self, text: str | None = None) -> str:
        """Publish a registry, by default the local one; returns its version."""
        version = parse_registry(text or local_registry(self.simulator_url))
        await publish_version({"bootstrap_servers": self.bootstrap}, version, by="test")
        return version.hash

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.processes[name].kill()

    def pause(self, name: str) -> None:
        self.processes[name].popen.send_signal(signal.SIGSTOP)

    def wake(self, name: str) -> None:
        self.processes[name].popen.send_signal(signal.SIGCONT)

    def cpu_s(self, name: str) -> float:
        """CPU seconds that a process has used, all its threads."""
        fields = (
            Path(f"/proc/{self.processes[name].pid}/stat").read_text().rsplit(") ", 1)[1].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self, name: str) -> float:
        """Resident memory of a process, MB."""
        pages = int(Path(f"/proc/{self.processes[name].pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> None:
        """End everything, the brokers last."""
        order = sorted(self.processes, key=lambda name: name in {"kafka", "clickhouse"})
        for name in order:
            process = self.processes[name]
            if process.alive:
                process.popen.send_signal(signal.SIGCONT)
            process.stop(grace_s=2.0 if name == "clickhouse" else 12.0)


def answers(url: str) -> bool:
    """Whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def fetch(url: str) -> dict:  # type: ignore[type-arg]
    with urllib.request.urlopen(url, timeout=5) as response:
        return dict(json.load(response))


def switch_faults(simulator_url: str, *faults: dict[str, object]) -> None:
    """Let a simulator misbehave in these ways from now on, or behave."""
    answer = httpx.put(f"{simulator_url}/admin/faults", json={"faults": list(faults)}, timeout=5)
    answer.raise_for_status()


def start_basics(stack: Stack, *simulator: str, clickhouse: bool = True) -> None:
    """Kafka with its topics, ClickHouse, the simulator, a registry."""
    if stack.kafka_at is None:
        stack.start_kafka()
    if clickhouse and stack.clickhouse_at is None:
        stack.start_clickhouse()
    stack.create_topics()
    if clickhouse:
        migrate_tables(stack.clickhouse_url)
    stack.start_simulator(*simulator)
    asyncio.run(stack.apply_registry())
