"""What this worker's calls in flight may cost, until their cost events are read back.

A call is reserved right before it is made and settled when it is booked; it leaves when the reading
of the cost topic has counted it. So it is counted once at every moment, by the one or the other.

Answers differ widely in length. Reserving what calls cost on average lets a few long ones far
exceed a budget; reserving the most that each may cost holds up many short ones. So the sum of the
averages is reserved, and beside it the root of the sum of the squares of what each may cost beyond
its average: all of it for one call, a tenth for a hundred equal ones, as errors that are
independent add up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt

FORGOTTEN_MS = 2 * 3_600_000
"""A call whose cost event was not read after this time was cut off; who took its hop over has
booked it. Twice the longest time that a call may take."""

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
        """What is reserved for a subject of a meter."""
        found = self._sums.get((meter, subject))
        return 0 if found is None else found.nano + isqrt(found.squares)

    def reserve(
        self, call_id: str, places: Iterable[Place], *, nano: int, most_nano: int, now: int
    ) -> None:
        """A call is about to be made that is expected to cost `nano`, and at most `most_nano`."""
        if call_id in self._calls:
            return
        reserved = _Reserved(tuple(places), nano, max(most_nano - nano, 0), now)
        self._calls[call_id] = reserved
        self._add(reserved, nano, reserved.beyond**2)

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """A call is booked at this cost; `None` leaves the expected one. Read back before, it has
        left already.
        """
        reserved = self._calls.get(call_id)
        if reserved is None:
            return
        nano = reserved.nano if cost_nano is None else cost_nano
        self._add(reserved, nano - reserved.nano, -(reserved.beyond**2))
        reserved.nano, reserved.beyond = nano, 0

    def release(self, call_id: str) -> None:
        """The call's cost event was counted, or the call was never made."""
        reserved = self._calls.pop(call_id, None)
        if reserved is not None:
            self._add(reserved, -reserved.nano, -(reserved.beyond**2))

    def forget_stale(self, now: int) -> None:
        """Release what was reserved too long ago to be still in flight."""
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
