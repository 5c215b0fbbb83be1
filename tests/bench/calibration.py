"""Yardsticks of pure Python, so that figures of different machines can be compared.

One step of the calibration loop hashes, serializes, parses and counts, as a worker does with a
small record. Only the standard library takes part, so the loop is the same in every commit.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

STEPS = 20_000
"""Steps of one calibration loop."""

ADDITIONS = 10_000_000
_ROUNDS = 3


def calibrate() -> float:
    """CPU time of one step, us: the best of three loops of `STEPS` steps."""
    return _best(_loop) * 1e6 / STEPS


def additions_s() -> float:
    """CPU time of a Python loop of 10^7 additions, s: the best of three."""
    return _best(_add)


def steps_of(value: float, unit: str, step_us: float) -> float | None:
    """A figure in steps of the calibration loop: the CPU time or duration of one item.

    A rate becomes the time of one item. `None` for units that are no time and no rate.
    """
    noun, _, per = unit.partition("/")
    scale = {"us": 1.0, "ms": 1e3}.get(noun)
    if scale is not None:
        return value * scale / step_us
    return 1e6 / (value * step_us) if per == "s" and value else None


def _best(work: Callable[[], int]) -> float:
    times = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def _loop() -> int:
    counts: dict[str, int] = {}
    text = "How much does it cost to route a request?"
    for number in range(STEPS):
        record = {"id": number, "text": text, "scores": [number / 3, number / 7], "none": None}
        line = json.dumps(record)
        digest = hashlib.sha256(line.encode()).hexdigest()
        read = json.loads(line)
        counts[digest[:2]] = counts.get(digest[:2], 0) + len(read["text"].split())
    return sum(counts.values())


def _add() -> int:
    total = 0
    for number in range(ADDITIONS):
        total += number
    return total
