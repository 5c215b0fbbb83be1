"""`make compat`: suites and clients of others against a local gateway; writes the page.

Exit status 1 if a test of a suite or a cell of a client failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from infra.cli.output.screen import console, notes
from tests.compat.client_runs import Cell, run_clients
from tests.compat.environment import ROOT
from tests.compat.page import page
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO, write_script
from tests.compat.suites_of_others import SUITES, SuiteResult, run_suite
from tests.rig.stack import Stack, start_basics

PAGE = ROOT / "docs" / "compatibility.md"


def main() -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sluice-compat-"))
    stack = Stack(folder)
    try:
        suites, cells = _run(stack, folder)
    finally:
        stack.stop()
        if chosen.keep:
            notes.print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    PAGE.write_text(page(suites, cells))
    console.print(f"written to {PAGE.relative_to(ROOT)}")
    failed = sum(len(result.failures) for result in suites)
    failed += sum(cell.state == "failed" for cell in cells)
    console.print(f"{failed} failed")
    return 1 if failed else 0


def _run(stack: Stack, folder: Path) -> tuple[list[SuiteResult], list[Cell]]:
    script = folder / "script.jsonl"
    write_script(script)
    start_basics(stack, "--latency-ms", "0", "--answers", str(script), clickhouse=False)
    stack.start_worker()
    stack.start_gateway()
    env = {
        **os.environ,
        "SLUICE_COMPAT_GATEWAY": stack.gateway_url(),
        "SLUICE_COMPAT_SIMULATOR": stack.simulator_url,
        "SLUICE_COMPAT_WEATHER": WEATHER,
        "SLUICE_COMPAT_WEATHER_OF_TWO": WEATHER_OF_TWO,
    }
    suites = []
    for suite in SUITES:
        result = run_suite(suite, env, folder)
        suites.append(result)
        notes.print(f"{suite.name}: {result.passed} passed, {len(result.failures)} failed")
        for test, reason in result.failures.items():
            notes.print(f"  {test}: {reason}")
    cells = []
    for cell in run_clients(env):
        cells.append(cell)
        notes.print(f"{cell.client}, {cell.cell}: {cell.state} {cell.reason}")
    return suites, cells


if __name__ == "__main__":
    raise SystemExit(main())
