"""`make fuzz`: a million inputs through the classify door, on both processors.

What fails is printed with its number; `--seed S --only N` does that one again.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import time
from collections import Counter

from infra.cli.screen import console, print_table
from tests.fuzz.door import Door
from tests.fuzz.inputs import make_input
from tests.fuzz.running import Share, run_part

MOST_SHOWN = 10


def main() -> int:
    """Run; 1 where an input ended in an error that is none of the tree's."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=20.0, help="stop then, done or not")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, default=None, help="this number and no other")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    seed = time.time_ns() % 10**9 if chosen.seed is None else chosen.seed
    console.print(f"seed {seed}")
    if chosen.only is not None:
        return _once(seed, chosen.only)
    begun = time.monotonic()
    until = begun + chosen.minutes * 60
    parts = [
        (seed, range(first, chosen.inputs, chosen.processes), until)
        for first in range(chosen.processes)
    ]
    with multiprocessing.get_context("spawn").Pool(chosen.processes) as pool:
        shares = pool.starmap(run_part, parts)
    return _tell(shares, chosen.inputs, time.monotonic() - begun)


def _once(seed: int, number: int) -> int:
    given = make_input(seed, number)
    value = given.value or b""
    console.print(f"{given.kind}: {len(value)} bytes, {value[:300]!r}", markup=False)
    console.print(f"key {given.key!r:.60}, headers {given.headers!r:.300}", markup=False)
    asyncio.run(Door().take(given))
    console.print("taken")
    return 0


def _tell(shares: list[Share], wanted: int, took_s: float) -> int:
    taken = sum(share.taken for share in shares)
    kinds = sum((share.kinds for share in shares), Counter[str]())
    slowest = {
        kind: max(share.slowest[kind] for share in shares if kind in share.slowest)
        for kind in kinds
    }
    print_table(
        ("kind", "inputs", "slowest, ms", "its number"),
        [
            (kind, kinds[kind], f"{slowest[kind][0] * 1000:.1f}", slowest[kind][1])
            for kind in sorted(kinds)
        ],
    )
    console.print(
        f"{taken} inputs in {took_s:.0f} s ({taken / took_s:.0f}/s): "
        f"{sum(share.accepted for share in shares)} accepted, "
        f"{sum(share.refused for share in shares)} refused, "
        f"{sum(share.dead for share in shares)} dead letters"
    )
    if taken < wanted:
        console.print(f"time is over: {wanted - taken} inputs were not tried")
    failures = sorted(failure for share in shares for failure in share.failures)
    for number, kind, text in failures[:MOST_SHOWN]:
        console.print(f"input {number} ({kind}): {text}", markup=False)
    console.print(f"{len(failures)} errors that are none of the tree's")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
