"""What every instance is doing now: calls in flight, and the latency seen lately.

The values that routing balances by (`streams.routing.candidates.Condition`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streams.routing.candidates import Candidate, Condition

Place = tuple[str, str]
_WEIGHT = 0.2


class InstanceLoad:
    """Calls in flight and a moving average of latency (ms), by (model, instance)."""

    def __init__(self) -> None:
        self._in_flight: dict[Place, int] = {}
        self._latency_ms: dict[Place, float] = {}

    @contextmanager
    def call(self, candidate: Candidate) -> Iterator[None]:
        """Count a call while it lasts."""
        place = (candidate.model.name, candidate.instance.name)
        self._in_flight[place] = self._in_flight.get(place, 0) + 1
        try:
            yield
        finally:
            self._in_flight[place] -= 1

    def took(self, candidate: Candidate, latency_ms: float) -> None:
        """An answered call took this long."""
        place = (candidate.model.name, candidate.instance.name)
        known = self._latency_ms.get(place, latency_ms)
        self._latency_ms[place] = known + _WEIGHT * (latency_ms - known)

    def conditions(self) -> dict[Place, Condition]:
        """How every instance that was ever called is doing."""
        return {
            place: Condition(latency_ms=self._latency_ms.get(place), in_flight=in_flight)
            for place, in_flight in self._in_flight.items()
        }
