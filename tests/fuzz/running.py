"""One process's part of the inputs, and what it found."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.door import Door
from tests.fuzz.inputs import make_input


@dataclass
class Share:
    """What one process found of its part of the numbers."""

    taken: int = 0
    accepted: int = 0
    refused: int = 0
    dead: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)
    failures: list[tuple[int, str, str]] = field(default_factory=list)


def run_part(seed: int, numbers: range, until: float) -> Share:
    """Take these numbers' inputs until a moment of the monotonic clock."""
    # Alerts are expected by the thousand, and are no findings.
    logging.getLogger("streams.alerts").setLevel(logging.ERROR)
    return asyncio.run(_take_all(seed, numbers, until))


async def _take_all(seed: int, numbers: range, until: float) -> Share:
    door, share = Door(), Share()
    for number in numbers:
        begun = time.monotonic()
        if begun > until:
            break
        given = make_input(seed, number)
        made = time.monotonic()
        try:
            await door.take(given)
        except Exception as error:  # noqa: BLE001 - any error is the finding
            share.failures.append((number, given.kind, _short(error)))
        took = time.monotonic() - made
        share.taken += 1
        share.kinds[given.kind] += 1
        share.slowest[given.kind] = max(share.slowest.get(given.kind, (0.0, 0)), (took, number))
    share.accepted, share.refused, share.dead = door.accepted, door.refused, door.dead
    return share


def _short(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {str(error)[:200]}"
