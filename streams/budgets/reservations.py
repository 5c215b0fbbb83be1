"""Reservations for this worker's calls in flight, until their cost events are read.

A call is reserved before it is made and settled when it is recorded. The reservation ends when the
count has the cost event. So a call is counted once at every moment.

Answers differ widely in length. Reserving the average cost of calls lets a few long ones far exceed
a budget; reserving the maximum of each delays many short ones. So the sum of the averages is
reserved, plus the root of the sum of squares of each call's maximum beyond its average: all of it
for one call, a tenth for a hundred equal ones, as independent errors add up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt

FORGOTTEN_MS = 2 * 3_600_000
"""Time after which a call without a cost event counts as interrupted; the next owner of its hop has
recorded it. Twice the maximum time of a call.
"""

Place = tuple[str, str]
"""A meter's id and a subject."""


@dataclass(slots=True)
class _Reserved:
    places: tuple[Place, ...]
    nano: int
    beyond: int
    at: int


@dataclass(slots=True)
class _Sum:
    nano: int = 0
    squares: int = 0


class Reservations:
    """The calls of one worker; amounts are nano-USD, times broker ms."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Reserved] = OrderedDict()
        self._sums: dict[Place, _Sum] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, meter: str, subject: str) -> int:
        """Return the reserved amount of a subject of a meter."""
        found = self._sums.get((meter, subject))
        return 0 if found is None else found.nano + isqrt(found.squares)

    def reserve(
        self, call_id: str, places: Iterable[Place], *, nano: int, most_nano: int, now: int
    ) -> None:
        """Reserve a call with expected cost `nano` and maximum cost `most_nano`."""
        if call_id in self._calls:
            return
        reserved = _Reserved(tuple(places), nano, max(most_nano - nano, 0), now)
        self._calls[call_id] = reserved
        self._add(reserved, nano, reserved.beyond**2)

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """Settle a call at this cost; `None` keeps the expected one. Does nothing if its cost event
        is already counted.
        """
        reserved = self._calls.get(call_id)
        if reserved is None:
            return
        nano = reserved.nano if cost_nano is None else cost_nano
        self._add(reserved, nano - reserved.nano, -(reserved.beyond**2))
        reserved.nano, reserved.beyond = nano, 0

    def release(self, call_id: str) -> None:
        """Release a call: its cost event is counted, or it was never made."""
        reserved = self._calls.pop(call_id, None)
        if reserved is not None:
            self._add(reserved, -reserved.nano, -(reserved.beyond**2))

    def forget_stale(self, now: int) -> None:
        """Release reservations that are too old to be in flight."""
        while self._calls:
            call_id, oldest = next(iter(self._calls.items()))
            if now - oldest.at < FORGOTTEN_MS:
                return
            self.release(call_id)

    def _add(self, reserved: _Reserved, nano: int, squares: int) -> None:
        for place in reserved.places:
            left = self._sums.setdefault(place, _Sum())
            left.nano += nano
            left.squares += squares
            if not (left.nano or left.squares):
                del self._sums[place]
