"""A pipeline whose topics, registry and workers are those of a source tree.

Kafka, the simulator and the load are this tree's in every pipeline, so that two trees differ only
in what is measured.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.devstack.processes.process import Process
from tests.bench.trees import BenchError, Tree
from tests.rig.stack import Stack

_COMMAND_S = 90.0
_READY_S = 90.0

# Names of the module of a worker's entry point, the newest first.
_WORKER = """
from importlib import import_module
for package in ("streams.worker.", "streams."):
    try:
        run, settings = import_module(package + "run"), import_module(package + "settings")
    except ModuleNotFoundError:
        continue
    run.run_worker(settings.WorkerSettings())
    break
else:
    raise SystemExit("this tree has no known module of a worker")
"""


@dataclass
class TreePipeline(Stack):
    """A stack with the product of `tree`; `tiers` names the tiers, if not the default ones."""

    tree: Tree = field(kw_only=True)
    tiers: Sequence[str] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env = {"SLUICE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, **self.env}
        if self.tiers:
            self.env["SLUICE_TIERS"] = ",".join(self.tiers)

    def prepare(self, registry: str, *simulator: str) -> None:
        """Start Kafka and this tree's simulator; create topics and apply a registry by the
        commands of the pipeline's tree. `{simulator}` in the registry becomes the address.
        """
        self.start_kafka()
        self.start_simulator(*simulator)
        self._command(
            "topics",
            "create",
            SLUICE_REQUEST_PARTITIONS=str(self.partitions),
            SLUICE_PIPELINE_PARTITIONS=str(self.partitions),
        )
        file = self.folder / "registry.yaml"
        file.write_text(registry.replace("{simulator}", self.simulator_url))
        self._command("registry", "apply", "--no-wait", "--by", "bench", str(file))

    def _command(self, *words: str, **env: str) -> None:
        """Run a `sluice` command of the tree to its end."""
        process = self.start_process(
            words[0],
            [str(self.tree.python), "-m", "infra.cli", *words],
            {"PYTHONPATH": str(self.tree.root), **env},
        )
        try:
            status = process.popen.wait(_COMMAND_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BenchError(
                f"{self.tree.name}: sluice {words[0]} {words[1]} took over {_COMMAND_S:g} s"
            ) from None
        del self.processes[words[0]]
        if status:
            raise BenchError(
                f"{self.tree.name}: sluice {words[0]} {words[1]} failed:\n{process.last_lines()}"
            )

    def start_worker(
        self, number: int = 1, *, wait: bool = True, module: str | None = None, **env: str
    ) -> Process:
        """A worker of the tree; `module` has no meaning here."""
        env = {"PYTHONPATH": str(self.tree.root), **env}
        process = super().start_worker(number, wait=False, module=module, **env)
        if wait:
            process.wait_ready(self.ready(f"worker-{number}"), _READY_S)
        return process

    def _worker_command(self, module: str | None) -> list[str]:
        return [str(self.tree.python), "-c", _WORKER]

    def log_bytes(self) -> int:
        """Size of all partitions' logs on the broker's disk, without indexes."""
        return sum(file.stat().st_size for file in (self.folder / "kafka").rglob("*.log")
                   if file.name[:-4].isdigit())  # fmt: skip


def pipeline_folder(folder: Path, name: str) -> Path:
    """An empty folder for one pipeline."""
    path = folder / name
    path.mkdir(parents=True)
    return path
