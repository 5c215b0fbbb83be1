"""To run a simulator: in this process for tests, or as a process of its own.

| use | |
|---|---|
| `async with simulator(SimulatorOptions(...)) as running:` | in this event loop |
| `with simulator_process("--latency-ms", "0") as address:` | a process, killed at the end |
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from infra.simulator.draws import Chance
from infra.simulator.faults import FaultTable
from infra.simulator.latency import EVERY_MODEL, Latency, LatencyTable
from infra.simulator.ledger import Ledger
from infra.simulator.responses.recorded_responses import AnswerBook, read_recorded
from infra.simulator.responses.response_builder import ResponseBuilder
from infra.simulator.server import Simulator, SimulatorComponents
from infra.workload.sample import answers_by_prompt, load_workload
from schemas.errors import LocalStackError

LISTENING = "listening on "
"""Prefix of the line that a ready simulator prints; its address follows."""

_BACKLOG = 1_024
_SHUTDOWN_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Settings of a simulator.

    Port 0 picks a free one. `latency_ms` is the median of every model, with its 95th percentile
    beside it (twice that by default), 0 for none; `None` keeps the table by strength. `caches`
    bills repeated prefixes as cached; `require_key` rejects calls without a key.
    """

    host: str = "127.0.0.1"
    port: int = 0
    answers: Path | None = None
    ledger: Path | None = None
    seed: int = 0
    latency_ms: float | None = 0.0
    latency_p95_ms: float | None = None
    caches: bool = False
    require_key: bool = False
    aliases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A simulator in this process. `url` has no path and no trailing slash."""

    url: str
    ledger: Ledger
    faults: FaultTable
    latency: LatencyTable


def build_parts(options: SimulatorOptions) -> SimulatorComponents:
    """Return all components of a simulator, answers loaded.

    Raises:
        LocalStackError: the answers are unreadable.
    """
    book = AnswerBook(dict(options.aliases))
    book.add_workload(answers_by_prompt(load_workload()))
    if options.answers is not None:
        book.add_recorded(read_recorded(options.answers))
    chance = Chance(options.seed)
    median, p95 = options.latency_ms, options.latency_p95_ms
    table = {}
    if median is not None:
        table[EVERY_MODEL] = Latency(median_ms=median, p95_ms=median * 2 if p95 is None else p95)
    return SimulatorComponents(
        responses=ResponseBuilder(book, caches=options.caches),
        ledger=Ledger(options.ledger, lambda: time.time_ns() // 1_000_000),
        faults=FaultTable(chance),
        latency=LatencyTable(chance, table),
        chance=chance,
        require_key=options.require_key,
    )


@asynccontextmanager
async def simulator(options: SimulatorOptions | None = None) -> AsyncIterator[Running]:
    """Run a simulator in this event loop.

    Raises:
        LocalStackError: the address is in use, or the answers are unreadable.
    """
    options = options or SimulatorOptions()
    parts = build_parts(options)
    server = web.Server(Simulator(parts).handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as error:
            raise LocalStackError(f"the simulator cannot listen: {error}") from error
        host, port = runner.addresses[0][:2]
        yield Running(
            url=f"http://{host}:{port}",
            ledger=parts.ledger,
            faults=parts.faults,
            latency=parts.latency,
        )
    finally:
        await runner.cleanup()
        parts.ledger.close()


@contextmanager
def simulator_process(*arguments: str) -> Iterator[str]:
    """Run a simulator as a separate process; yield its address, and stop it at the end.

    Raises:
        LocalStackError: it ended before it listened.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.simulator", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line.startswith(LISTENING):
            raise LocalStackError(f"the simulator did not start (exit status {process.wait()})")
        yield line.removeprefix(LISTENING).strip()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
