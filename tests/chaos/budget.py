"""`make chaos-budget`: 1.00 USD over four workers, everything killed, and the next window.

Compared with the simulator's ledger: spend stops within what was in flight, stays stopped when all
workers and the broker were killed with SIGKILL, and continues in the next hour. For the last step
the broker's clock is set to the next full hour, because windows follow broker time; where that is
not possible, and with `--next-window`, the run waits for the hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.cli.output.screen import console, notes, print_table
from infra.devstack.registry import local_registry
from tests.chaos.overshoot import Overshoot, overshoot
from tests.rig.load import Load, code_of, load, workload_requests
from tests.rig.observed.books import read_ledger
from tests.rig.own_clock import NoOwnClockError, OwnClocks
from tests.rig.stack import Stack, start_basics

RESULTS = Path("results/budget.json")
WORKERS = 4
LIMIT_NANO = 1_000_000_000
RATE = 200.0
HOUR_S = 3_600
ANSWERED_BY_S = 60.0
READ_BY_MS = 1_000
"""By when every worker has read what all others spent, on a machine that is not overloaded."""
_BUDGET = """
budgets:
  hourly: {per: tenant, window: hour, usd: 1.00, then: reject}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What a stretch of load came to: replies by code, USD and calls by the simulator's ledger."""

    name: str
    sent: int
    replies: dict[str, int]
    calls: int
    usd: float


def main() -> int:
    """Run; 0 if the budget held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.budget")
    parser.add_argument("--next-window", action="store_true", help="wait for the next full hour")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-budget-"))
    stack = TimedStack(folder, partitions=12)
    try:
        if not chosen.next_window:
            stack.clocks = _own_clocks(folder)
        start_basics(stack, "--latency-ms", "100")
        asyncio.run(stack.apply_registry(local_registry(stack.simulator_url) + _BUDGET))
        for number in range(WORKERS):
            stack.start_worker(number + 1)
        phases, over = asyncio.run(_run(stack, next_window=chosen.next_window))
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print_table(
        ("phase", "sent", "replies", "calls", "USD"),
        [(p.name, p.sent, str(p.replies), p.calls, f"{p.usd:.4f}") for p in phases],
    )
    wrong = _faults(phases, over)
    console.print(
        f"when 1.00 USD was spent, {over.in_flight} calls ({over.in_flight_usd:.4f} USD) were in "
        f"flight; {over.begun_after} ({over.begun_after_usd:.4f} USD) began after that, the last "
        f"{over.latest_ms} ms later"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    kept = {"phases": [asdict(phase) for phase in phases], "overshoot": asdict(over)}
    RESULTS.write_text(json.dumps(kept, indent=1))
    console.print("; ".join(wrong) or "the budget held")
    return 1 if wrong else 0


class TimedStack(Stack):
    """A stack whose broker may have its own clock."""

    clocks: OwnClocks | None = None

    def start_kafka(self, *, wait: bool = True) -> None:
        if self.clocks is None:
            super().start_kafka(wait=wait)
            return
        with self.clocks.started("kafka"):
            super().start_kafka(wait=wait)


def _own_clocks(folder: Path) -> OwnClocks | None:
    try:
        return OwnClocks(folder / "clocks", ("kafka",))
    except NoOwnClockError as error:
        notes.print(f"the next hour is not shown without --next-window: {error}")
        return None


async def _run(stack: TimedStack, *, next_window: bool) -> tuple[list[Phase], Overshoot]:
    _not_near_the_hour()
    phases = []
    async with load(stack.bootstrap) as running:
        phases.append(await _phase("until it is used up", stack, running, seconds=20))
    over = overshoot(stack.ledger, LIMIT_NANO)
    for number in range(WORKERS):
        stack.kill(f"worker-{number + 1}")
    stack.kill("kafka")
    await asyncio.to_thread(stack.start_kafka)
    for number in range(WORKERS):
        await asyncio.to_thread(stack.start_worker, number + 1)
    async with load(stack.bootstrap) as running:
        phases.append(await _phase("after all were killed", stack, running, seconds=10))
        left = HOUR_S - time.time() % HOUR_S + 1
        if stack.clocks is not None:
            notes.print(f"the broker's clock is set {left / 60:.0f} min ahead")
            stack.clocks.set("kafka", int(left))
        elif next_window:
            notes.print(f"the next hour begins in {left / 60:.0f} min")
            await asyncio.sleep(left)
        if next_window or stack.clocks is not None:
            phases.append(await _phase("in the next hour", stack, running, seconds=10))
    return phases, over


async def _phase(name: str, stack: Stack, running: Load, *, seconds: float) -> Phase:
    notes.print(name)
    before = read_ledger(stack.ledger)
    sent = len(running.seen.sent_at)
    run = name.replace(" ", "-")
    make = workload_requests(run, tenant="acme", deadline_ms=60_000)
    await running.at_rate(make, RATE, seconds)
    await running.all_answered(ANSWERED_BY_S)
    after = read_ledger(stack.ledger)
    mine = list(running.seen.sent_at)[sent:]
    replies = Counter(
        code_of(running.seen.replies[key][0]) for key in mine if key in running.seen.replies
    )
    new = [call for key, call in after.items() if key not in before]
    phase = Phase(
        name=name,
        sent=len(mine),
        replies=dict(replies),
        calls=len(new),
        usd=sum(call.cost_nano or 0 for call in new) / LIMIT_NANO,
    )
    notes.print(str(phase))
    return phase


def _faults(phases: list[Phase], over: Overshoot) -> list[str]:
    first, killed, *later = phases
    wrong = []
    if first.usd < 0.9:
        wrong.append(f"{first.usd:.4f} USD were spent of 1.00")
    if over.latest_ms > READ_BY_MS:
        wrong.append(f"a call began {over.latest_ms} ms after the sum was spent")
    if not first.replies.get("budget_exceeded"):
        wrong.append("nobody was refused")
    if killed.calls:
        wrong.append(f"{killed.calls} calls were made although all was spent")
    wrong += [
        f"{phase.name} nobody was served" for phase in later if not phase.replies.get("replied")
    ]
    wrong += [
        f"{phase.sent - sum(phase.replies.values())} requests of '{phase.name}' have no reply"
        for phase in phases
        if sum(phase.replies.values()) < phase.sent
    ]
    return wrong


def _not_near_the_hour() -> None:
    """The window must not end while it is used up."""
    left = HOUR_S - time.time() % HOUR_S
    if left < 120:
        notes.print(f"waiting {left:.0f} s for the next hour to begin")
        time.sleep(left + 1)


if __name__ == "__main__":
    sys.exit(main())
