"""Supervisor of the local pipeline: starts its components, restarts failed ones, stops all.

Start: Kafka, ClickHouse and the simulator in parallel; topics, tables and registry; workers and
sink. Stop, on SIGTERM: workers, then the sink, so that it reads all they wrote, then the rest. A
failed component is restarted on its port, over its data.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.environment import unknown_in_words
from core.process_log import set_up_log
from infra.devstack import components
from infra.devstack.components import PipelineComponent
from infra.devstack.preparation import create_topics, migrate_tables, settle_registry
from infra.devstack.processes.process import Backoff, Process
from infra.devstack.processes.state import (
    PartState,
    PipelinePhase,
    PipelineState,
    supervision,
    write_state,
)
from infra.settings import InfraSettings
from schemas.errors import SluiceError

log = logging.getLogger(__name__)

_CHECK_EVERY_S = 0.1


@dataclass(slots=True)
class WatchedComponent:
    """A watched component: its process, and the time of its next start."""

    part: PipelineComponent
    process: Process | None = None
    backoff: Backoff = field(default_factory=Backoff)
    started_at: float = 0.0
    start_at: float | None = None
    restarts: int = 0

    @property
    def state(self) -> PartState:
        """Return its entry in the state file."""
        part = self.part
        alive = self.process is not None and self.process.alive
        return PartState(
            name=part.name,
            pid=self.process.pid if self.process and alive else None,
            address=part.address,
            health=part.health,
            restarts=self.restarts,
        )


class Supervisor:
    """Runs one pipeline in a folder until it is stopped."""

    def __init__(self, settings: InfraSettings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._home = settings.home.absolute()
        self._now = now
        self._watched: list[WatchedComponent] = []
        self._state = PipelineState(supervisor=os.getpid(), phase=PipelinePhase.STARTING)
        self._stopping = False

    def run(self) -> None:
        """Supervise until `stop` is called; all components are stopped on return.

        Raises:
            SluiceError: another supervisor runs, or a component did not start.
        """
        with supervision(self._home):
            try:
                self._bring_up()
                self._watch()
            except SluiceError as error:
                self._end(PipelinePhase.FAILED, problem=str(error))
                raise
            finally:
                self._end(PipelinePhase.STOPPING)

    def stop(self) -> None:
        """Stop it; may be called from a signal handler."""
        self._stopping = True

    def _bring_up(self) -> None:
        settings, home = self._settings, self._home
        kafka, clickhouse = components.kafka(settings, home), components.clickhouse(settings, home)
        simulator = components.simulator(settings, home)
        self._start("Kafka, ClickHouse, the simulator", kafka, clickhouse, simulator)
        if self._stopping:
            return
        database = settings.clickhouse_url or components.own_clickhouse(settings, home).url
        self._report("topics, tables, the registry")
        create_topics(settings, kafka.address, settings.tier_names)
        migrate_tables(database)
        registry = settle_registry(settings, kafka.address, simulator.address)
        tiers = registry.snapshot.tiers
        if tiers != settings.tier_names:
            create_topics(settings, kafka.address, tiers)
        env = {
            "SLUICE_HOME": str(home),
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "SLUICE_CLICKHOUSE_URL": database,
            "SLUICE_TIERS": ",".join(tiers),
        }
        workers = [
            components.worker(settings, home, number + 1, env) for number in range(settings.workers)
        ]
        self._start(
            "workers, the sink, the gateway",
            *workers,
            components.sink(settings, home, env),
            components.gateway(settings, home, env),
        )
        self._report(
            "", phase=PipelinePhase.RUNNING if not self._stopping else PipelinePhase.STOPPING
        )

    def _start(self, what: str, *group: PipelineComponent) -> None:
        """Launch components in parallel and wait until all of them respond."""
        if self._stopping:
            return
        fresh = [WatchedComponent(part=part) for part in group]
        self._watched.extend(fresh)
        for watched in fresh:
            self._report(what)
            self._launch(watched)
        for watched in fresh:
            self._report(what)
            self._wait(watched)
        self._report(what)

    def _launch(self, watched: WatchedComponent) -> None:
        watched.started_at, watched.start_at = self._now(), None
        if watched.part.launch is not None:
            watched.process = watched.part.launch()

    def _wait(self, watched: WatchedComponent) -> None:
        part = watched.part
        if watched.process is not None:
            watched.process.wait_ready(lambda: self._stopping or part.answers(), part.ready_s)
            return
        if not part.answers():
            raise components.NotThereError(part)

    def _watch(self) -> None:
        while not self._stopping:
            for watched in self._watched:
                if watched.process is not None:
                    self._restart_if_ended(watched, watched.process)
            time.sleep(_CHECK_EVERY_S)

    def _restart_if_ended(self, watched: WatchedComponent, process: Process) -> None:
        if process.alive:
            return
        name = watched.part.name
        if watched.start_at is None:
            rest = watched.backoff.rest_s(self._now() - watched.started_at)
            watched.start_at = self._now() + rest
            log.warning("%s %s; restarting it in %.2f s", name, process.ended_how(), rest)
            self._report("")
        if self._now() < watched.start_at:
            return
        try:
            self._launch(watched)
        except SluiceError as error:
            log.error("cannot start %s, retrying: %s", name, error)  # noqa: TRY400
            watched.start_at = self._now() + watched.backoff.rest_s(0)
            return
        watched.restarts += 1
        self._report("")

    def _end(self, phase: PipelinePhase, *, problem: str | None = None) -> None:
        if not self._watched and phase is not PipelinePhase.FAILED:
            return
        self._report("ending", phase=phase, problem=problem)
        for group in end_order(self._watched):
            end_together(group)
        self._watched.clear()
        self._report("", phase=phase, problem=problem)

    def _report(
        self, doing: str, *, phase: PipelinePhase | None = None, problem: str | None = None
    ) -> None:
        self._state = replace(
            self._state,
            phase=phase or self._state.phase,
            doing=doing,
            problem=problem,
            parts=tuple(watched.state for watched in self._watched),
        )
        write_state(self._home, self._state)


def end_order(watched: Sequence[WatchedComponent]) -> list[list[WatchedComponent]]:
    """Return groups in the order in which they stop: each may still need those after it."""
    order = [("gateway",), ("worker",), ("sink",), ("simulator",), ("clickhouse", "kafka")]
    return [[each for each in watched if each.part.name.startswith(prefixes)] for prefixes in order]


def end_together(group: Sequence[WatchedComponent]) -> None:
    """Send SIGTERM to all, then wait for each within its grace period."""
    processes = [(each.process, each.part.grace_s) for each in group if each.process]
    for process, _ in processes:
        process.ask_to_end()
    for process, grace in processes:
        process.stop(grace_s=grace)


def main() -> None:
    """Supervise the pipeline that the environment describes."""
    settings = InfraSettings()
    set_up_log("INFO", settings.log_format)
    for line in unknown_in_words(os.environ):
        log.warning("%s", line)
    supervisor = Supervisor(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    try:
        supervisor.run()
    except SluiceError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
