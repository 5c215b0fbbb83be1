"""One process's part of the inputs, and what it found."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.targets import TARGETS, Target


@dataclass
class Share:
    """What one process found of its part of the numbers; times are CPU, s."""

    taken: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)
    failures: list[tuple[int, str, str]] = field(default_factory=list)


def run_part(seed: int, numbers: range, until: float, target: str = "door") -> Share:
    """Take these numbers' inputs until a moment of the monotonic clock."""
    # Alerts and bad records are expected by the thousand, and are no findings.
    logging.disable(logging.CRITICAL)
    taker = TARGETS[target]()
    # As a worker does when it starts (`streams.worker.run`).
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(_take_all(seed, numbers, until, taker))
    finally:
        gc.unfreeze()
        logging.disable(logging.NOTSET)


async def _take_all(seed: int, numbers: range, until: float, target: Target) -> Share:
    share = Share()
    for number in numbers:
        if time.monotonic() > until:
            break
        share.taken += 1
        try:
            kind, took = await _taken(target, seed, number)
        except Exception as error:  # noqa: BLE001 - any error is the finding
            share.failures.append((number, "error", _short(error)))
            continue
        share.kinds[kind] += 1
        share.slowest[kind] = max(share.slowest.get(kind, (0.0, 0)), (took, number))
        if took > target.longest_s:
            share.failures.append((number, kind, f"held the loop for {took * 1000:.0f} ms"))
    share.outcomes = target.outcomes
    return share


async def _taken(target: Target, seed: int, number: int) -> tuple[str, float]:
    """A slow input is run again: the first of a kind includes one-time initialization, and garbage
    collection can interrupt any.
    """
    kind, took = await target.take(seed, number)
    if took > target.longest_s:
        return await target.take(seed, number)
    return kind, took


def _short(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {str(error)[:200]}"
