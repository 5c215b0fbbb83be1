"""State of the local pipeline: a file in its folder, and a lock.

The supervisor holds the lock for its whole life, so a pipeline runs exactly while the lock is held:
the state file of a killed supervisor is ignored.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from schemas.errors import LocalStackError

_STATE = "pipeline.json"
_LOCK = "pipeline.lock"


class PipelinePhase(StrEnum):
    """Phases of a pipeline."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"
    """It could not start; `problem` has the cause. Its components are stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """One component: `pid` is `None` while it is down, and for external services.

    `health` is the URL that answers 200 when it works, or `None` for Kafka, which is probed by its
    own protocol. `restarts` counts its restarts.
    """

    name: str
    pid: int | None
    address: str
    health: str | None
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """A pipeline: its supervisor's process id, phase, current action and components."""

    supervisor: int
    phase: PipelinePhase
    doing: str = ""
    problem: str | None = None
    parts: tuple[PartState, ...] = ()

    def part(self, name: str) -> PartState | None:
        """Return a component by its name."""
        return next((part for part in self.parts if part.name == name), None)


def write_state(home: Path, state: PipelineState) -> None:
    """Replace the state file atomically."""
    fresh = home / f"{_STATE}.new"
    fresh.write_text(json.dumps(asdict(state), indent=1))
    fresh.replace(home / _STATE)


def last_state(home: Path) -> PipelineState | None:
    """Return the last written state, whether its supervisor runs or not."""
    try:
        raw = json.loads((home / _STATE).read_text())
    except FileNotFoundError:
        return None
    parts = tuple(PartState(**part) for part in raw.pop("parts"))
    return PipelineState(**{**raw, "phase": PipelinePhase(raw["phase"])}, parts=parts)


def running_state(home: Path) -> PipelineState | None:
    """Return the state of the pipeline that runs in this folder; `None` without one."""
    return last_state(home) if is_running(home) else None


def is_running(home: Path) -> bool:
    """Return whether a supervisor holds the lock of this folder."""
    try:
        file = (home / _LOCK).open("r+")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def supervision(home: Path) -> Iterator[None]:
    """Lock this folder as its only supervisor. Only its owner can read the folder: it holds a
    password.

    Raises:
        LocalStackError: another supervisor holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    with (home / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(
                f"a pipeline already runs in {home}; see `sluice status`, or stop it: `sluice down`"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
