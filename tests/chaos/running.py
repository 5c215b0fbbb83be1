"""Runs one scenario on real processes and reconciles requests, rows and the ledger."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.blows import SIMULATOR, Fists
from tests.chaos.disks import NoSmallDiskError, SmallDisk
from tests.chaos.scenarios import Blow, Scenario, Strike
from tests.rig.load import Load, load, read_again, workload_requests
from tests.rig.observed.books import Books, reconcile, settle
from tests.rig.stack import Stack, start_basics

ANSWERS_BY_S = 120.0
SETTLED_BY_S = 120.0
PORT_BY_S = 60.0

_RECOVERS = frozenset({Blow.KILL, Blow.UP, Blow.WAKE, Blow.ROOM, Blow.NAMESAKE})
"""Blows after which a part should work again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How a part came back: until its port answered (`None` if it did not before it was struck
    again, or at all), and from there until a reply came, s.
    """

    part: str
    at_s: float
    port_s: float | None
    answers_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A scenario's outcome: `statuses` counts replies by status; `skipped` says why it was not run.

    `slowest_s` is the longest time that a request waited for its first reply; `unseen` are requests
    whose reply was on its topic, and only found when that was read again.
    """

    scenario: Scenario
    books: Books | None = None
    recoveries: tuple[Recovery, ...] = ()
    restarts: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    unseen: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, duplicated or paid without being booked, or the scenario was
        skipped.
        """
        return self.books is None or self.books.balanced

    def as_document(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "about": self.scenario.about,
            "rate": self.scenario.rate,
            "seconds": self.scenario.seconds,
            "skipped": self.skipped,
            **(self.books.as_document() if self.books else {}),
            "statuses": dict(self.statuses),
            "slowest_s": round(self.slowest_s, 2),
            "unseen": list(self.unseen),
            "recoveries": [
                {
                    "part": each.part,
                    "at_s": round(each.at_s, 1),
                    "port_s": None if each.port_s is None else round(each.port_s, 2),
                    "answers_s": None if each.answers_s is None else round(each.answers_s, 2),
                }
                for each in self.recoveries
            ],
            "restarts": self.restarts,
        }


class Chaos:
    """A stack under load, struck by plan."""

    def __init__(self, stack: Stack, scenario: Scenario, fists: Fists) -> None:
        self._stack = stack
        self._scenario = scenario
        self._fists = fists
        self._back: list[tuple[Strike, float, float | None]] = []
        self._over = asyncio.Event()

    async def run(self) -> Report:
        """Load, strikes, settlement."""
        scenario, stack = self._scenario, self._stack
        keeping = asyncio.create_task(self._fists.keep_alive(self._over))
        async with load(stack.bootstrap) as running:
            begun = time.time()
            make = workload_requests("chaos", deadline_ms=300_000)
            async with asyncio.TaskGroup() as group:
                group.create_task(running.at_rate(make, scenario.rate, scenario.seconds))
                for strike in scenario.strikes:
                    group.create_task(self._strike(strike, begun))
            unseen: list[str] = []
            if not await running.all_answered(ANSWERS_BY_S):
                unseen = await read_again(stack.bootstrap, running)
            sent, replies = list(running.seen.sent_at), running.seen.replies
            took = await asyncio.to_thread(
                settle, stack.clickhouse_url, sent, stack.ledger, SETTLED_BY_S
            )
            self._over.set()
            restarts = await keeping
            books = await asyncio.to_thread(
                reconcile, stack.clickhouse_url, sent, replies, stack.ledger, took
            )
        return Report(
            scenario=scenario,
            books=books,
            recoveries=tuple(self._recovery(*back, running, begun) for back in self._back),
            restarts=restarts,
            statuses=Counter(several[0]["status"] for several in replies.values()),
            slowest_s=max(running.seen.latency_ms.values(), default=0.0) / 1000,
            unseen=tuple(unseen),
        )

    def _recovery(
        self, strike: Strike, struck: float, back: float | None, running: Load, begun: float
    ) -> Recovery:
        if back is None:
            return Recovery(part=strike.part, at_s=struck - begun, port_s=None, answers_s=None)
        after = [at for at in running.seen.replied_at if at >= back]
        return Recovery(
            part=strike.part,
            at_s=struck - begun,
            port_s=back - struck,
            answers_s=min(after) - back if after else None,
        )

    async def _strike(self, strike: Strike, begun: float) -> None:
        await asyncio.sleep(max(begun + strike.at_s - time.time(), 0))
        struck = time.time()
        await self._fists.strike(strike)
        if strike.blow in _RECOVERS:
            came = await _becomes_ready(self._fists.answers(strike.part), PORT_BY_S)
            self._back.append((strike, struck, time.time() if came else None))


def run_scenario(scenario: Scenario, folder: Path) -> Report:
    """A stack created for the scenario and ended after it."""
    stack = Stack(folder)
    with ExitStack() as cleanup:
        try:
            disks = _small_disks(scenario, stack, cleanup)
        except NoSmallDiskError as error:
            return Report(scenario=scenario, skipped=f"no small disk: {error}")
        cleanup.callback(stack.stop)
        start_basics(stack, *SIMULATOR)
        for number in range(scenario.workers):
            stack.start_worker(number + 1)
        for number in range(scenario.sinks):
            stack.start_sink(number + 1)
        return asyncio.run(Chaos(stack, scenario, Fists(stack, disks)).run())


def _small_disks(scenario: Scenario, stack: Stack, cleanup: ExitStack) -> dict[str, SmallDisk]:
    folders = {"kafka": stack.kafka.folder, "clickhouse": stack.clickhouse.folder}
    disks = {}
    for part, megabytes in scenario.small_disks:
        disk = SmallDisk.over(folders[part] / "data", megabytes)
        cleanup.callback(disk.unmount)
        disks[part] = disk
    return disks


async def _becomes_ready(ready: Callable[[], bool], timeout_s: float) -> bool:
    """Whether a probe succeeds in time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if await asyncio.to_thread(ready):
            return True
        await asyncio.sleep(0.05)
    return False
