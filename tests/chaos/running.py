"""Runs one scenario on real processes, and holds the books against the witnesses."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.workload.sample import load_workload
from tests.chaos.scenarios import Blow, Scenario, Strike
from tests.rig.books import Books, reconcile, settle
from tests.rig.load import Load, load
from tests.rig.stack import Stack, answers, start_basics

ANSWERS_BY_S = 90.0
SETTLED_BY_S = 60.0
PORT_BY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How a part came back: until its port answered, and from there until a reply came, s."""

    part: str
    at_s: float
    port_s: float
    answers_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A scenario's outcome."""

    scenario: Scenario
    books: Books
    recoveries: tuple[Recovery, ...]
    restarts: int

    def as_document(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "about": self.scenario.about,
            "rate": self.scenario.rate,
            "seconds": self.scenario.seconds,
            **self.books.as_document(),
            "recoveries": [
                {
                    "part": each.part,
                    "at_s": each.at_s,
                    "port_s": round(each.port_s, 2),
                    "answers_s": None if each.answers_s is None else round(each.answers_s, 2),
                }
                for each in self.recoveries
            ],
            "worker_restarts": self.restarts,
        }


class Chaos:
    """A stack under load, struck by plan."""

    def __init__(self, stack: Stack, scenario: Scenario) -> None:
        self._stack = stack
        self._scenario = scenario
        self._restarts = 0
        self._back: list[tuple[Strike, float, float]] = []
        self._over = asyncio.Event()

    async def run(self) -> Report:
        """Load, strikes, settlement."""
        scenario, stack = self._scenario, self._stack
        keeping = asyncio.create_task(self._keep_alive())
        async with load(stack.bootstrap) as running:
            begun = time.time()
            async with asyncio.TaskGroup() as group:
                group.create_task(running.at_rate(_requests(), scenario.rate, scenario.seconds))
                for strike in scenario.strikes:
                    group.create_task(self._strike(strike, begun))
            await running.all_answered(ANSWERS_BY_S)
            self._over.set()
            await keeping
            sent = list(running.seen.sent_at)
            took = await asyncio.to_thread(
                settle, stack.clickhouse_url, sent, stack.ledger, SETTLED_BY_S
            )
            books = await asyncio.to_thread(
                reconcile, stack.clickhouse_url, sent, running.seen.replies, stack.ledger, took
            )
            return Report(
                scenario=scenario,
                books=books,
                recoveries=tuple(self._recovery(*back, running, begun) for back in self._back),
                restarts=self._restarts,
            )

    def _recovery(
        self, strike: Strike, struck: float, back: float, running: Load, begun: float
    ) -> Recovery:
        after = [at for at in running.seen.replied_at if at >= back]
        return Recovery(
            part=strike.part,
            at_s=struck - begun,
            port_s=back - struck,
            answers_s=min(after) - back if after else None,
        )

    async def _strike(self, strike: Strike, begun: float) -> None:
        await asyncio.sleep(max(begun + strike.at_s - time.time(), 0))
        stack, part = self._stack, strike.part
        if strike.blow is Blow.PAUSE:
            stack.pause(part)
        elif strike.blow is Blow.WAKE:
            stack.wake(part)
        else:
            struck = time.time()
            stack.kill(part)
            self._start_again(part)
            await _until(self._port(part), PORT_BY_S)
            self._back.append((strike, struck, time.time()))

    def _start_again(self, part: str) -> None:
        kind, _, number = part.partition("-")
        starts: dict[str, Callable[[], Any]] = {
            "kafka": lambda: self._stack.start_kafka(wait=False),
            "clickhouse": lambda: self._stack.start_clickhouse(wait=False),
            "worker": lambda: self._stack.start_worker(int(number), wait=False),
            "sink": lambda: self._stack.start_sink(int(number), wait=False),
        }
        starts[kind]()

    def _port(self, part: str) -> Callable[[], bool]:
        if part == "kafka":
            return lambda: _listens(self._stack.bootstrap)
        if part == "clickhouse":
            return lambda: answers(f"{self._stack.clickhouse_url}/ping")
        return self._stack.ready(part)

    async def _keep_alive(self) -> None:
        """Start again what stopped by itself, as a supervisor does."""
        while not self._over.is_set():
            for name, process in list(self._stack.processes.items()):
                if name.startswith(("worker", "sink")) and process.popen.poll() not in {None, -9}:
                    self._restarts += 1
                    self._start_again(name)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.5)


def run_scenario(scenario: Scenario, folder: Path) -> Report:
    """A stack of its own, from nothing, ended at the end."""
    stack = Stack(folder)
    try:
        start_basics(stack, "--latency-ms", "100")
        for number in range(scenario.workers):
            stack.start_worker(number + 1)
        for number in range(scenario.sinks):
            stack.start_sink(number + 1)
        return asyncio.run(Chaos(stack, scenario).run())
    finally:
        stack.stop()


def _requests() -> Callable[[int], dict[str, Any]]:
    workload = load_workload()

    def make(number: int) -> dict[str, Any]:
        item = workload[number % len(workload)]
        return {**item.request, "request_id": f"chaos-{number}", "deadline_ms": 300_000}

    return make


async def _until(ready: Callable[[], bool], timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while not await asyncio.to_thread(ready):  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.05)


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
