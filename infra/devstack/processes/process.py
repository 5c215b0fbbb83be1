"""A child process of the local pipeline: started in its own session, watched, stopped in order;
and the backoff before it is restarted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.devstack.processes import parent_death_signal
from schemas.errors import LocalStackError

_POLL_S = 0.05
_MAX_LOG_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class Process:
    """A started child; `log` holds its output."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self.popen.pid

    @property
    def alive(self) -> bool:
        """Return whether it runs; an ended child is reaped."""
        return self.popen.poll() is None

    def wait_ready(self, probe: Callable[[], bool], timeout_s: float) -> None:
        """Wait until the probe succeeds; stop the child if it does not.

        Raises:
            LocalStackError: it ended, or was not ready in time; the message has its last lines.
        """
        until = time.monotonic() + timeout_s
        while not probe():
            if not self.alive:
                raise LocalStackError(f"{self.name} {self.ended_how()}:\n{self.last_lines()}")
            if time.monotonic() > until:
                self.kill()
                raise LocalStackError(
                    f"{self.name} was not ready after {timeout_s:g} s:\n{self.last_lines()}"
                )
            time.sleep(_POLL_S)

    def ended_how(self) -> str:
        """Return how it ended, in words."""
        status = self.popen.poll()
        if status is None:
            return "is still running"
        if status < 0:
            return f"was terminated by {signal.Signals(-status).name}"
        return f"exited with status {status}"

    def last_lines(self, count: int = 15) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.is_file() else []
        return "\n".join(lines[-count:]) or "(no output)"

    def ask_to_end(self) -> None:
        """Send SIGTERM; repeating it does no harm."""
        if self.alive:
            self.popen.send_signal(signal.SIGTERM)

    def stop(self, *, grace_s: float = 10.0) -> None:
        """Send SIGTERM, and SIGKILL after the grace period."""
        self.ask_to_end()
        try:
            self.popen.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.alive:
            self.popen.kill()
            self.popen.wait()


def start_process(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
    leash_signal: int | None = signal.SIGTERM,
) -> Process:
    """Start a child in a folder; its output goes to `<name>.log`, its id to `<name>.pid` there.

    It receives `leash_signal` when the calling thread ends, in any way; with `None` it outlives
    this process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    if log.is_file() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        popen = subprocess.Popen(
            [*_leashed(leash_signal), *command],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / f"{name}.pid").write_text(str(popen.pid))
    return Process(name=name, popen=popen, log=log)


def _leashed(leash_signal: int | None) -> list[str]:
    if leash_signal is None:
        return []
    return [
        sys.executable,
        "-I",
        "-S",
        parent_death_signal.__file__,
        str(os.getpid()),
        str(int(leash_signal)),
    ]


FIRST_S = 0.25
LONGEST_S = 10.0
STEADY_S = 20.0
"""Run time after which a component counts as healthy: its next failure is its first again."""


@dataclass(slots=True)
class Backoff:
    """Immediate after the first failure, then doubling, up to ten seconds."""

    deaths: int = 0

    def rest_s(self, lived_s: float) -> float:
        """Return the seconds to wait, after a run of this many seconds."""
        if lived_s >= STEADY_S:
            self.deaths = 0
        rest = 0.0 if self.deaths == 0 else min(LONGEST_S, FIRST_S * 2.0 ** (self.deaths - 1))
        self.deaths += 1
        return rest
