"""How each blow is struck, and how a part that ended is started again."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from infra.devstack.processes.probes import without_secrets
from schemas.errors import LocalStackError
from tests.chaos.disks import SmallDisk
from tests.chaos.scenarios import Blow, Strike
from tests.rig.stack import Stack, answers, switch_faults

SIMULATOR = ("--latency-ms", "100")
_STOPPED_S, _RUNS_S = 0.6, 0.2
_AGAIN_S = 0.5


class Fists:
    """Strikes the processes of a stack; `down` are those that must not be restarted."""

    def __init__(self, stack: Stack, disks: Mapping[str, SmallDisk]) -> None:
        self._stack = stack
        self._disks = disks
        self.down: set[str] = set()
        self._blows: dict[Blow, Callable[[Strike], Any]] = {
            Blow.KILL: lambda strike: stack.kill(strike.part),
            Blow.PAUSE: lambda strike: stack.pause(strike.part),
            Blow.WAKE: lambda strike: stack.wake(strike.part),
            Blow.DOWN: self._down,
            Blow.LEAVE: self._leave,
            Blow.NAMESAKE: self._namesake,
            Blow.UP: lambda strike: self.down.discard(strike.part),
            Blow.FULL: lambda strike: disks[strike.part].fill(),
            Blow.ROOM: lambda strike: disks[strike.part].give_room(),
        }

    async def strike(self, strike: Strike) -> None:
        """Strike; returns when it is done, a stutter after its seconds."""
        if strike.blow is Blow.STUTTER:
            await self._stutter(strike)
        elif strike.blow is Blow.FAIL:
            await asyncio.to_thread(self._fail, strike.share)
        else:
            self._blows[strike.blow](strike)
            if strike.blow in {Blow.KILL, Blow.UP}:
                self.start(strike.part)

    def start(self, part: str) -> None:
        """Start a process without waiting for it; a failed start is retried by the supervisor."""
        kind, _, number = part.partition("-")
        starts: dict[str, Callable[[], Any]] = {
            "kafka": lambda: self._stack.start_kafka(wait=False),
            "clickhouse": lambda: self._stack.start_clickhouse(wait=False),
            "simulator": lambda: self._stack.start_simulator(*SIMULATOR, wait=False),
            "worker": lambda: self._stack.start_worker(int(number), wait=False),
            "sink": lambda: self._stack.start_sink(int(number), wait=False),
            "gateway": lambda: self._stack.start_gateway(int(number), wait=False),
        }
        with suppress(LocalStackError):
            starts[kind]()

    def answers(self, part: str) -> Callable[[], bool]:
        """A probe of whether a part is there."""
        stack = self._stack
        if part == "kafka":
            return lambda: _listens(stack.bootstrap)
        if part == "clickhouse":
            return lambda: answers(f"{without_secrets(stack.clickhouse_url)}/ping")
        if part == "simulator":
            return lambda: answers(f"{stack.simulator_url}/admin/health")
        return stack.ready(part)

    async def keep_alive(self, over: asyncio.Event) -> int:
        """Start again what stopped by itself, as a supervisor does, until it is over; how often."""
        restarts = 0
        while not over.is_set():
            for name, process in list(self._stack.processes.items()):
                if name not in self.down and not process.alive:
                    restarts += 1
                    self.start(name)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _AGAIN_S)
        return restarts

    def _down(self, strike: Strike) -> None:
        self.down.add(strike.part)
        self._stack.kill(strike.part)

    def _leave(self, strike: Strike) -> None:
        self.down.add(strike.part)
        self._stack.processes[strike.part].ask_to_end()

    def _namesake(self, strike: Strike) -> None:
        _, _, number = strike.part.partition("-")
        self.down |= {name for name in self._stack.processes if name.startswith("worker-")}
        self.down.discard(strike.part)
        self._stack.start_worker(
            int(number),
            wait=False,
            SLUICE_WORKER_INSTANCE="worker-1",
            SLUICE_HOME=str(self._stack.folder / f"host-{number}"),
        )

    async def _stutter(self, strike: Strike) -> None:
        until = time.monotonic() + strike.seconds
        process = self._stack.processes[strike.part].popen
        while time.monotonic() < until:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(_STOPPED_S)
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(_RUNS_S)

    def _fail(self, share: float) -> None:
        faults: list[dict[str, object]] = [{"kind": "status", "status": 500, "rate": share}]
        with suppress(httpx.HTTPError):
            switch_faults(self._stack.simulator_url, *(faults if share else []))


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
