"""`make chaos`: every scenario, or those named; a table, `results/chaos.json`, exit 1 on a loss."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from infra.cli.screen import console, notes, print_table
from tests.chaos.running import Report, run_scenario
from tests.chaos.scenarios import SCENARIOS

RESULTS = Path("results/chaos.json")

_COLUMNS = (
    "scenario",
    "sent",
    "answered",
    "lost",
    "no outcome",
    "counted twice",
    "stored twice",
    "calls missing",
    "money wrong",
    "interrupted",
    "replies repeated",
    "slowest answer after port, s",
)


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("names", nargs="*", choices=[[], *SCENARIOS], help="all unless named")
    parser.add_argument("--keep", action="store_true", help="keep the folders of runs")
    chosen = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    reports = []
    for name in chosen.names or SCENARIOS:
        notes.print(f"{name}: {SCENARIOS[name].about}")
        folder = Path(tempfile.mkdtemp(prefix="sluice-chaos-"))
        reports.append(run_scenario(SCENARIOS[name], folder))
        if chosen.keep:
            notes.print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([report.as_document() for report in reports], indent=1))
    print_table(_COLUMNS, [_row(report) for report in reports])
    console.print(f"written to {RESULTS}")
    balanced = sum(report.books.balanced for report in reports)
    console.print(f"{balanced} passed, {len(reports) - balanced} failed")
    return 0 if balanced == len(reports) else 1


def _row(report: Report) -> tuple[object, ...]:
    books = report.books
    slowest = max((each.answers_s or 0.0 for each in report.recoveries), default=None)
    return (
        report.scenario.name,
        books.sent,
        books.answered,
        books.lost,
        books.without_outcome,
        books.counted_twice,
        books.stored_twice,
        books.missing_calls + books.unknown_calls,
        books.wrong_money,
        books.interrupted,
        books.repeated_replies,
        None if slowest is None else f"{slowest:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
