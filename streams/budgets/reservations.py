"""What this worker's calls in flight are expected to cost, until their cost events are read back.

A call is reserved right before it is made and settled when it is booked; it leaves when the reading
of the cost topic has counted it. So it is counted once at every moment, by the one or the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

FORGOTTEN_MS = 2 * 3_600_000
"""A call whose cost event was not read after this time was cut off; who took its hop over has
booked it. Twice the longest time that a call may take."""

Place = tuple[str, str]
"""A meter's id and a subject."""


@dataclass(slots=True)
class _Reserved:
    places: tuple[Place, ...]
    nano: int
    at: int


class Reservations:
    """The calls of one worker; amounts are nano-USD, times broker ms."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Reserved] = OrderedDict()
        self._sums: dict[Place, int] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, meter: str, subject: str) -> int:
        """What is reserved for a subject of a meter."""
        return self._sums.get((meter, subject), 0)

    def reserve(self, call_id: str, places: Iterable[Place], nano: int, now: int) -> None:
        """A call is about to be made."""
        if call_id in self._calls:
            return
        reserved = _Reserved(tuple(places), nano, now)
        self._calls[call_id] = reserved
        self._add(reserved, nano)

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """A call is booked at this cost; `None` leaves the expected one. Read back before, it has
        left already.
        """
        reserved = self._calls.get(call_id)
        if reserved is None or cost_nano is None:
            return
        self._add(reserved, cost_nano - reserved.nano)
        reserved.nano = cost_nano

    def release(self, call_id: str) -> None:
        """The call's cost event was counted, or the call was never made."""
        reserved = self._calls.pop(call_id, None)
        if reserved is not None:
            self._add(reserved, -reserved.nano)

    def forget_stale(self, now: int) -> None:
        """Release what was reserved too long ago to be still in flight."""
        while self._calls:
            call_id, oldest = next(iter(self._calls.items()))
            if now - oldest.at < FORGOTTEN_MS:
                return
            self.release(call_id)

    def _add(self, reserved: _Reserved, nano: int) -> None:
        for place in reserved.places:
            left = self._sums.get(place, 0) + nano
            if left:
                self._sums[place] = left
            else:
                self._sums.pop(place, None)
