"""A child process of the local pipeline: started in its own session, watched, ended in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import LocalStackError

_POLL_S = 0.05


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_port(folder: Path, name: str, wanted: int) -> int:
    """The port of a part: the wanted one, or a free one that stays its own over restarts."""
    if wanted:
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.port"
    if file.is_file():
        return int(file.read_text())
    port = free_port()
    file.write_text(str(port))
    return port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


@dataclass(slots=True)
class Process:
    """A started child; `log` holds what it prints."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    def wait_ready(self, probe: Callable[[], bool], timeout_s: float) -> None:
        """Wait until the probe says yes.

        Raises:
            LocalStackError: it ended, or was not ready in time; the message shows its last lines.
        """
        until = time.monotonic() + timeout_s
        while not probe():
            if not self.alive:
                raise LocalStackError(
                    f"{self.name} ended with status {self.popen.returncode}:\n{self.last_lines()}"
                )
            if time.monotonic() > until:
                raise LocalStackError(
                    f"{self.name} was not ready after {timeout_s:g} s:\n{self.last_lines()}"
                )
            time.sleep(_POLL_S)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        if not self.log.is_file():
            return "(it printed nothing)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self, *, grace_s: float = 10.0, how: int = signal.SIGTERM) -> None:
        """Ask it to end, and end it if it does not."""
        if not self.alive:
            return
        self.popen.send_signal(how)
        try:
            self.popen.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self.alive:
            self.popen.kill()
            self.popen.wait()


def start_process(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
) -> Process:
    """Start a child whose output goes to `<name>.log` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        popen = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (folder / f"{name}.pid").write_text(str(popen.pid))
    return Process(name=name, popen=popen, log=log)
