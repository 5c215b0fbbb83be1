"""`make fuzz`: a million inputs for each target, on both processors.

The targets are the classify agent (requests), every reader of every topic (records), and both
adapters with all checks of an answer (answers). An input that fails, or blocks the event loop too
long, is printed with its number; `--target T --seed S --only N` runs that one again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter

from infra.cli.output.screen import console, print_table
from tests.fuzz.running import Share, run_part
from tests.fuzz.targets import TARGETS

MOST_SHOWN = 10


def main() -> int:
    """Run; 1 where an input ended in an error that is none of the tree's."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--target", choices=sorted(TARGETS), default=None, help="this one only")
    parser.add_argument("--minutes", type=float, default=20.0, help="for each; stop then")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, default=None, help="this number and no other")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    seed = time.time_ns() % 10**9 if chosen.seed is None else chosen.seed
    console.print(f"seed {seed}")
    names = list(TARGETS) if chosen.target is None else [chosen.target]
    if chosen.only is not None:
        return max(_once(name, seed, chosen.only) for name in names)
    return max(_run(name, seed, chosen) for name in names)


def _run(name: str, seed: int, chosen: argparse.Namespace) -> int:
    begun = time.monotonic()
    until = begun + chosen.minutes * 60
    parts = [
        (seed, range(first, chosen.inputs, chosen.processes), until, name)
        for first in range(chosen.processes)
    ]
    with multiprocessing.get_context("spawn").Pool(chosen.processes) as pool:
        shares = pool.starmap(run_part, parts)
    return _print_result(name, shares, chosen.inputs, time.monotonic() - begun)


def _once(name: str, seed: int, number: int) -> int:
    share = run_part(seed, range(number, number + 1), time.monotonic() + 3_600, name)
    for kind, (took, _) in share.slowest.items():
        console.print(f"{name} {number} ({kind}): {took * 1000:.1f} ms", markup=False)
    for _, kind, text in share.failures:
        console.print(f"{name} {number} ({kind}): {text}", markup=False)
    return 1 if share.failures else 0


def _print_result(name: str, shares: list[Share], wanted: int, took_s: float) -> int:
    taken = sum(share.taken for share in shares)
    kinds = sum((share.kinds for share in shares), Counter[str]())
    outcomes = sum((share.outcomes for share in shares), Counter[str]())
    slowest = {
        kind: max(share.slowest[kind] for share in shares if kind in share.slowest)
        for kind in kinds
    }
    print_table(
        (name, "inputs", "slowest, ms", "its number"),
        [
            (kind, kinds[kind], f"{slowest[kind][0] * 1000:.1f}", slowest[kind][1])
            for kind in sorted(kinds)
        ],
    )
    console.print(
        f"{taken} inputs in {took_s:.0f} s ({taken / took_s:.0f}/s): "
        + ", ".join(f"{count} {word}" for word, count in sorted(outcomes.items()))
    )
    if taken < wanted:
        console.print(f"time is over: {wanted - taken} inputs were not tried")
    failures = sorted(failure for share in shares for failure in share.failures)
    for number, kind, text in failures[:MOST_SHOWN]:
        console.print(f"input {number} ({kind}): {text}", markup=False)
    console.print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
