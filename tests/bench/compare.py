"""`make bench-compare BASE=COMMIT`: this tree and a commit, measured in turn for three rounds.

The worker of either tree is measured by this tree's code. Decisions, sink and replay run the bench
of either tree, as far as it has them; figures of the same name are set side by side.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.cli.output.screen import console, notes, print_table
from schemas.errors import SluiceError
from tests.bench.calibration import calibrate
from tests.bench.comparison import LEAST_ROUNDS, Compared, Series, compare
from tests.bench.figures import Figure
from tests.bench.trees import BenchError, Tree, commit_tree, this_tree
from tests.bench.worker_probe import QUICK, Size
from tests.bench.worker_speed import (
    prepare,
    prepare_yardsticks,
    probe,
    warm_up,
    worker_pipeline,
    yardsticks,
)

RESULTS = Path("results/compare.json")
PARTS = ("worker", "decisions", "sink", "replay")
_PART_S = 900.0

Rounds = tuple[list[list[Figure]], list[list[Figure]]]
"""Figures of each round of the base, and of this tree."""


def main(arguments: Sequence[str]) -> int:
    """Measure both trees; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench compare")
    parser.add_argument("base", metavar="COMMIT", help="commit that this tree is compared with")
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="small sizes, without replay")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.parts) - set(PARTS)
    if unknown or chosen.rounds < 1:
        parser.error(f"parts are {', '.join(PARTS)}; rounds are at least 1")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # An end by SIGTERM unwinds, so that every process that was started ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _compare(chosen)
    except SluiceError as error:
        notes.print(f"error: {error}", markup=False)
        return 1


def _compare(chosen: argparse.Namespace) -> int:
    own = this_tree()
    notes.print(f"preparing {chosen.base} (about a minute, once)", markup=False)
    base = commit_tree(chosen.base, own.root)
    parts = chosen.parts or [part for part in PARTS if part != "replay" or not chosen.quick]
    step_us = calibrate()
    compared: dict[str, list[Compared]] = {}
    for part in parts:
        if part == "worker":
            found = _workers(base, own, QUICK if chosen.quick else Size(), chosen.rounds)
        else:
            found = _benches(part, base, own, quick=chosen.quick, rounds=chosen.rounds)
        compared[part] = list(compare(*found))
    _show([row for rows in compared.values() for row in rows], base, own, step_us)
    _keep(compared, base, own, step_us=step_us, rounds=chosen.rounds, quick=chosen.quick)
    return 0


def _workers(base: Tree, own: Tree, size: Size, rounds: int) -> Rounds:
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        pipelines = [worker_pipeline(Path(folder), tree) for tree in (base, own)]
        try:
            for pipeline in pipelines:
                prepare(pipeline)
                prepare_yardsticks(pipeline)
                warm_up(pipeline, size)

            def measure(number: int) -> Sequence[Callable[[], list[Figure]]]:
                found = yardsticks(pipelines[1], size)
                run = f"round{number}"
                return (
                    lambda: probe(pipelines[0], size, run, found),
                    lambda: [*probe(pipelines[1], size, run, found), *found.figures()],
                )

            return _in_turn("worker", rounds, measure)
        finally:
            for pipeline in pipelines:
                pipeline.stop()


def _benches(part: str, base: Tree, own: Tree, *, quick: bool, rounds: int) -> Rounds:
    def measure(_: int) -> Sequence[Callable[[], list[Figure]]]:
        return (
            lambda: _bench_of(base, part, quick=quick),
            lambda: _bench_of(own, part, quick=quick),
        )

    return _in_turn(part, rounds, measure)


def _in_turn(
    part: str, rounds: int, measure: Callable[[int], Sequence[Callable[[], list[Figure]]]]
) -> Rounds:
    """Measure both trees in each round; they take turns in going first, so that a drift of the
    machine hits both.
    """
    found: Rounds = ([], [])
    for number in range(rounds):
        notes.print(f"measuring: {part}, round {number + 1} of {rounds}")
        calls = measure(number)
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            found[side].append(calls[side]())
    return found


def _bench_of(tree: Tree, part: str, *, quick: bool) -> list[Figure]:
    """Figures of a part by the tree's own bench; none if the tree has no such part."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        command = [str(tree.python), "-m", "tests.bench", *(["--quick"] if quick else []), part]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(tree.root)},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PART_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{tree.name}: {part} took over {_PART_S:g} s") from None
        results = Path(folder) / "results" / "bench.json"
        if done.returncode or not results.is_file():
            last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            notes.print(f"{tree.name} cannot measure {part}:\n{last}", markup=False)
            return []
        return [
            Figure(**{name: each[name] for name in ("group", "name", "value", "unit")})
            for each in json.loads(results.read_text())["figures"]
            if each["group"] != "yardsticks"
        ]


def _show(rows: Sequence[Compared], base: Tree, own: Tree, step_us: float) -> None:
    print_table(
        ("what", "figure", "unit", f"base {base.name}", f"this {own.name}", "this / base", "mark"),
        [
            (
                row.group,
                row.name,
                row.unit,
                in_words(row.base),
                in_words(row.this),
                "" if row.ratio is None else f"{row.ratio:.2f}",
                row.mark,
            )
            for row in rows
        ],
    )
    console.print(f"medians (least-most); one step of the calibration loop took {step_us:.3g} us")


def in_words(series: Series | None) -> str:
    """`median (least-most)`, or a dash."""
    if series is None:
        return "-"
    return f"{number(series.median)} ({number(series.low)}-{number(series.high)})"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _keep(found: dict[str, list[Compared]], base: Tree, own: Tree, **about: Any) -> None:
    """Write the parts; the file keeps what it has of parts that were not measured this time."""
    parts = {
        part: {
            "base": base.name,
            "this": own.name,
            "date": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            **about,
            "figures": [asdict(row) | {"ratio": row.ratio, "mark": row.mark} for row in rows],
        }
        for part, rows in found.items()
    }
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**before, **parts}, indent=1))
    console.print(f"written to {RESULTS}")
