"""The fuzz targets by name; each process creates its own."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Protocol

from tests.fuzz.door import Door
from tests.fuzz.inputs import make_input
from tests.fuzz.judged import Judging, make_judged
from tests.fuzz.records import make_record
from tests.rig.kafka.topic_readers import Feeding

LONGEST_HOLD_S = 0.05
"""CPU time of the event loop that one record, or one step of an answer, may take."""

_RENEWED = 300
"""Records that a reader takes before it begins anew: its log in memory grows with them."""

_CHECKED = 50


class Target(Protocol):
    """Takes inputs; `longest_s` is the time (CPU, s) that one may block the loop."""

    longest_s: float

    @property
    def outcomes(self) -> Counter[str]:
        """What became of them."""
        ...

    async def take(self, seed: int, number: int) -> tuple[str, float]:
        """Take the input of this number: its kind, and the longest time (CPU, s) that it held the
        loop.

        Raises:
            Exception: whatever must not happen.
        """
        ...


class DoorTarget:
    """Requests through the classify door, and on to both adapters; the time is the door's."""

    longest_s = LONGEST_HOLD_S

    def __init__(self) -> None:
        self._door = Door()

    @property
    def outcomes(self) -> Counter[str]:
        """Accepted, refused, dead letters."""
        door = self._door
        return Counter(accepted=door.accepted, refused=door.refused, dead=door.dead)

    async def take(self, seed: int, number: int) -> tuple[str, float]:
        """See `Target.take`."""
        given = make_input(seed, number)
        await self._door.take(given)
        return given.kind, self._door.held_s


class RecordsTarget:
    """Records for every reader of every topic."""

    longest_s = LONGEST_HOLD_S

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self._feeding: dict[tuple[str, str], Feeding] = {}
        self._count: dict[tuple[str, str], int] = defaultdict(int)

    async def take(self, seed: int, number: int) -> tuple[str, float]:
        """See `Target.take`."""
        reader, topic, record = make_record(seed, number)
        which = reader.name, topic
        if self._count[which] % _RENEWED == 0:
            self._feeding[which] = await reader.open(topic)
        self._count[which] += 1
        self.outcomes["read"] += 1
        begun = time.thread_time()
        await self._feeding[which].take(record)
        took = time.thread_time() - begun
        if self._count[which] % _CHECKED == 0:
            await self._feeding[which].check()
            self.outcomes["good records read behind them"] += 1
        return reader.name, took


class AnswersTarget:
    """Provider answers through both adapters and every check."""

    longest_s = LONGEST_HOLD_S

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self._judging = Judging()

    async def take(self, seed: int, number: int) -> tuple[str, float]:
        """See `Target.take`."""
        kind, status, body, call_fields, wire = make_judged(seed, number)
        self._judging.take(status, body, call_fields, wire)
        steps = self._judging.steps
        self.outcomes["judged" if "article" in steps else "refused"] += 1
        slowest = max(steps, key=lambda name: steps[name])
        return f"{kind}: {slowest}", steps[slowest]


TARGETS: dict[str, Callable[[], Target]] = {
    "door": DoorTarget,
    "records": RecordsTarget,
    "answers": AnswersTarget,
}
