"""`make chaos-clock`: the clocks of a worker and a sink are set forward and back by an hour.

Processes with their own clocks (`tests.rig.own_clock`) run under load, with a second worker and a
second sink whose clocks are right, and kills while a clock is wrong, so that one process reads
leases and journals of the other. The books must balance, and no request may expire: each has a
deadline of five minutes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from infra.cli.output.screen import console, notes, print_table
from tests.chaos.blows import SIMULATOR, Fists
from tests.chaos.running import Chaos, Report
from tests.chaos.scenarios import Scenario, kills
from tests.rig.own_clock import NoOwnClockError, OwnClocks
from tests.rig.stack import Stack, start_basics

RESULTS = Path("results/clock.json")
HOUR_S = 3_600
SETTINGS = ((8.0, HOUR_S), (22.0, -HOUR_S), (36.0, 0), (42.0, 12 * HOUR_S))
"""When (s after the load began) the clocks of worker-1 and sink-1 are set, and to how many seconds
before the machine's."""

SCENARIO = Scenario(
    name="clocks set",
    about="clocks of a worker and a sink go an hour forward, two back, right, and 12 hours forward",
    seconds=56.0,
    rate=100.0,
    workers=2,
    sinks=2,
    strikes=kills((13, "worker-1"), (16, "worker-2"), (27, "worker-1"), (30, "sink-1")),
)


def main() -> int:
    """Run; 0 if the books balance or the run is not possible here."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sluice-clock-"))
    stack = Stack(folder)
    try:
        clocks = OwnClocks(folder / "clocks", ("worker-1", "sink-1"))
        start_basics(stack, *SIMULATOR)
        stack.env = dict(clocks.env)
        for number in (1, 2):
            stack.start_worker(number)
            stack.start_sink(number)
        report = asyncio.run(_run(stack, clocks))
    except NoOwnClockError as error:
        console.print(f"not run: no process can have a clock of its own here: {error}")
        return 0
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    wrong = _faults(report)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**report.as_document(), "faults": wrong}, indent=1))
    document = report.as_document()
    print_table(("", "figure"), [(name, str(value)) for name, value in document.items()])
    console.print("; ".join(wrong) or "it held")
    return 1 if wrong else 0


async def _run(stack: Stack, clocks: OwnClocks) -> Report:
    setting = asyncio.create_task(_set(clocks))
    try:
        return await Chaos(stack, SCENARIO, Fists(stack, {})).run()
    finally:
        setting.cancel()


async def _set(clocks: OwnClocks) -> None:
    before = 0.0
    for at, ahead_s in SETTINGS:
        await asyncio.sleep(at - before)
        before = at
        for name in ("worker-1", "sink-1"):
            clocks.set(name, ahead_s)
        notes.print(f"{at:g} s: worker-1 and sink-1 are {ahead_s / HOUR_S:+g} h off")


def _faults(report: Report) -> list[str]:
    wrong = [] if report.holds else ["the books do not balance"]
    wrong += [
        f"{count} requests were {status}"
        for status, count in report.statuses.items()
        if status != "replied"
    ]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
