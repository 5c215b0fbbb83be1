"""`make chaos`: the matrix, or the named cells; a table, `results/chaos.json`, exit 1 on a loss.

The file keeps its entries of cells that did not run this time.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from infra.cli.output.screen import console, notes, print_table
from tests.chaos.running import Report, run_scenario
from tests.chaos.scenarios import SCENARIOS

RESULTS = Path("results/chaos.json")

_COLUMNS = (
    "cell",
    "sent",
    "replied",
    "told an error",
    "lost",
    "no outcome",
    "counted twice",
    "stored twice",
    "calls missing",
    "money wrong",
    "interrupted",
    "replies repeated",
    "slowest answer after port, s",
    "slowest reply, s",
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
        report = run_scenario(SCENARIOS[name], folder)
        reports.append(report)
        _keep(report)
        print_table(_COLUMNS, [_row(report)])
        if chosen.keep:
            notes.print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print_table(_COLUMNS, [_row(report) for report in reports])
    console.print(f"written to {RESULTS}")
    held = sum(report.holds for report in reports)
    skipped = sum(bool(report.skipped) for report in reports)
    console.print(f"{held - skipped} passed, {len(reports) - held} failed, {skipped} not run")
    return 0 if held == len(reports) else 1


def _keep(report: Report) -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    rest = [each for each in known if each.get("scenario") != report.scenario.name]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([*rest, report.as_document()], indent=1))


def _row(report: Report) -> tuple[object, ...]:
    books = report.books
    if books is None:
        return (report.scenario.name, report.skipped, *(None for _ in _COLUMNS[2:]))
    slowest = max((each.answers_s or 0.0 for each in report.recoveries), default=None)
    replied = report.statuses.get("replied", 0)
    return (
        report.scenario.name,
        books.sent,
        replied,
        books.answered - replied,
        books.lost,
        books.without_outcome,
        books.counted_twice,
        books.stored_twice,
        books.missing_calls + books.unknown_calls,
        books.wrong_money,
        books.interrupted,
        books.repeated_replies,
        None if slowest is None else f"{slowest:.1f}",
        f"{report.slowest_s:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
