"""Start and stop of a pipeline from outside, for `sluice up` and `sluice down`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.devstack.processes.process import Process, start_process
from infra.devstack.processes.state import (
    PipelinePhase,
    PipelineState,
    is_running,
    last_state,
    running_state,
)
from infra.settings import InfraSettings
from schemas.errors import LocalStackError

END_TIMEOUT_S = 60.0
_POLL_S = 0.05


def start_supervisor(settings: InfraSettings, *, detached: bool) -> Process:
    """Start the supervisor of a pipeline; a detached one outlives this process.

    Raises:
        LocalStackError: a pipeline runs in this folder already.
    """
    home = settings.home.absolute()
    if is_running(home):
        raise LocalStackError(
            f"a pipeline already runs in {settings.home}; see `sluice status`, or stop it: "
            "`sluice down`"
        )
    return start_process(
        "supervisor",
        [sys.executable, "-m", "infra.devstack.supervisor"],
        folder=home,
        env=_environment(settings, home),
        leash_signal=None if detached else signal.SIGTERM,
    )


def follow_start(home: Path, supervisor: Process) -> Iterator[PipelineState]:
    """Yield the states of a starting pipeline, each once, until it runs.

    Raises:
        LocalStackError: it did not start; the message has the cause.
    """
    shown: PipelineState | None = None
    while True:
        alive = supervisor.alive
        state = last_state(home)
        mine = state is not None and state.supervisor == supervisor.pid
        if state is not None and mine and state != shown:
            shown = state
            yield state
            if state.phase is PipelinePhase.RUNNING:
                return
        if not alive:
            problem = state.problem if state is not None and mine else None
            raise LocalStackError(problem or supervisor.last_lines())
        time.sleep(_POLL_S)


def end_pipeline(home: Path) -> Iterator[PipelineState]:
    """Stop the pipeline of a folder in order; yield its states meanwhile.

    Raises:
        LocalStackError: none runs there, or it does not stop.
    """
    state = running_state(home)
    if state is None:
        raise LocalStackError(f"no pipeline runs in {home}")
    os.kill(state.supervisor, signal.SIGTERM)
    until = time.monotonic() + END_TIMEOUT_S
    shown: PipelineState | None = None
    while is_running(home):
        state = last_state(home)
        if state is not None and state != shown:
            shown = state
            yield state
        if time.monotonic() > until:
            raise LocalStackError(
                f"the pipeline did not stop within {END_TIMEOUT_S:g} s; its supervisor has pid "
                f"{shown.supervisor if shown else 'unknown'}, its log is {home / 'supervisor.log'}"
            )
        time.sleep(_POLL_S)


def _environment(settings: InfraSettings, home: Path) -> dict[str, str]:
    """Return the supervisor's settings besides the environment; it runs in another folder."""
    env = {"SLUICE_HOME": str(home), "SLUICE_WORKERS": str(settings.workers)}
    if settings.registry is not None:
        env["SLUICE_REGISTRY"] = str(settings.registry.absolute())
    if settings.artifacts is not None:
        env["SLUICE_ARTIFACTS"] = str(settings.artifacts.absolute())
    for name in ("SLUICE_SECRETS_DIR", "SLUICE_REGISTRY_KEY_FILE"):
        path = os.environ.get(name)
        if path:
            env[name] = str(Path(path).absolute())
    if settings.simulator_answers is not None:
        env["SLUICE_SIMULATOR_ANSWERS"] = str(settings.simulator_answers.absolute())
    return env
