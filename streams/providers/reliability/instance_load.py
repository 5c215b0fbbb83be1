"""State of every instance: calls in flight, recent latency, limits, health.

Routing chooses by these values (`streams.routing.selection.candidates`). Latency is a peak EWMA, as
in Finagle: a slow answer counts at once and decays over some seconds, so a slow instance is avoided
before it has answered slowly many times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from streams.providers.port import ErrorClass
from streams.providers.reliability.circuit_breaker import SLOW_FACTOR, Breaker, State
from streams.providers.reliability.instance_limits import InstanceLimits, Levels
from streams.routing.selection.candidates import Candidate, InstanceStatus
from streams.routing.snapshot import Instance, Model

Place = tuple[str, str]

DECAY_MS = 10_000.0
"""Time after which a latency has a third of its weight."""

_UNHEALTHY = frozenset(
    {
        ErrorClass.TIMEOUT,
        ErrorClass.CONNECTION,
        ErrorClass.SERVER,
        ErrorClass.OVERLOADED,
        ErrorClass.BAD_RESPONSE,
        ErrorClass.AUTH,
    }
)
"""Errors attributed to the instance; others are attributed to the request, or to limits."""


@dataclass(slots=True)
class _Seen:
    limits: InstanceLimits = field(default_factory=InstanceLimits)
    breaker: Breaker = field(default_factory=Breaker)
    latency_ms: float | None = None
    at: float = 0.0

    def took(self, latency_ms: float, now: float) -> None:
        if self.latency_ms is None or latency_ms > self.latency_ms:
            self.latency_ms = latency_ms
        else:
            keeps = math.exp(-max(now - self.at, 0.0) / DECAY_MS)
            self.latency_ms = self.latency_ms * keeps + latency_ms * (1 - keeps)
        self.at = now


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInFlight:
    """A call in flight: its instance, and its expected tokens."""

    candidate: Candidate
    expected_tokens: int


class Instances:
    """State of every instance in this worker; `owned` is its share 0..1 of the limits.

    Times are ms and are passed in.
    """

    def __init__(self, owned: Callable[[], float] = lambda: 1.0) -> None:
        self._owned = owned
        self._seen: dict[Place, _Seen] = {}

    def conditions(self, models: Iterable[Model], now: float) -> dict[Place, InstanceStatus]:
        """Return the status of every instance of these models."""
        share = self._owned()
        return {
            (model.name, instance.name): self._condition(model, instance, share, now)
            for model in models
            for instance in model.instances
        }

    def begin(self, candidate: Candidate, expected_tokens: int, now: float) -> CallInFlight:
        """Record the start of a call; there must be no await between the status check and this."""
        tracked = self._of(candidate.model, candidate.instance)
        tracked.limits.begin(candidate.instance.limits, expected_tokens)
        tracked.breaker.begin(now)
        return CallInFlight(candidate=candidate, expected_tokens=expected_tokens)

    def answered(
        self, call: CallInFlight, latency_ms: float, used_tokens: int | None, now: float
    ) -> bool:
        """Record an answered call; return whether it closed its instance's circuit."""
        tracked = self._end(call, used_tokens)
        usual = tracked.latency_ms
        tracked.took(latency_ms, now)
        tracked.limits.answered()
        if _is_slow(call, latency_ms, usual):
            tracked.breaker.failed(now)
            return False
        return tracked.breaker.succeeded(now)

    def failed(
        self, call: CallInFlight, kind: ErrorClass, retry_after_ms: float | None, now: float
    ) -> bool:
        """Record a failed call; return whether it opened its instance's circuit."""
        tracked = self._end(call, None if kind is ErrorClass.TIMEOUT else 0)
        if kind is ErrorClass.RATE_LIMITED:
            tracked.limits.refused(retry_after_ms, now)
            tracked.breaker.forgotten()
            return False
        if kind not in _UNHEALTHY:
            tracked.breaker.forgotten()
            return False
        if kind is ErrorClass.OVERLOADED and retry_after_ms is not None:
            tracked.limits.refused(retry_after_ms, now)
        return tracked.breaker.failed(now)

    def cut_short(self, call: CallInFlight, waited_ms: float, now: float) -> bool:
        """Record a call that was cancelled at its request's deadline; return whether that opened
        its instance's circuit. It counts against the instance only if a slow answer would have: a
        short deadline is independent of the instance.
        """
        tracked = self._end(call, None)
        if _is_slow(call, waited_ms, tracked.latency_ms):
            return tracked.breaker.failed(now)
        tracked.breaker.forgotten()
        return False

    def given_up(self, call: CallInFlight) -> None:
        """Record a call cancelled by the worker; it is independent of the instance."""
        self._end(call, None).breaker.forgotten()

    def state(self, model: Model, instance: Instance, now: float) -> State:
        """Return the state of its circuit breaker."""
        return self._of(model, instance).breaker.state(now)

    def levels(self, model: Model, instance: Instance, now: float) -> Levels:
        """Return the levels of its limits in this worker."""
        return self._of(model, instance).limits.levels(instance.limits, self._owned(), now)

    def _condition(
        self, model: Model, instance: Instance, share: float, now: float
    ) -> InstanceStatus:
        tracked = self._of(model, instance)
        unhealthy = tracked.breaker.why_not(now)
        full = tracked.limits.why_not(instance.limits, share, now)
        return InstanceStatus(
            available=unhealthy is None and full is None,
            why=unhealthy or full or "",
            returns=unhealthy is None and full is not None,
            latency_ms=tracked.latency_ms,
            in_flight=tracked.limits.in_flight,
        )

    def _end(self, call: CallInFlight, used_tokens: int | None) -> _Seen:
        candidate = call.candidate
        tracked = self._of(candidate.model, candidate.instance)
        tracked.limits.end(candidate.instance.limits, call.expected_tokens, used_tokens)
        return tracked

    def _of(self, model: Model, instance: Instance) -> _Seen:
        place = (model.name, instance.name)
        found = self._seen.get(place)
        if found is None:
            found = self._seen[place] = _Seen()
        return found


def _is_slow(call: CallInFlight, latency_ms: float, usual_ms: float | None) -> bool:
    expected_ms = call.candidate.model.expected_latency_ms
    return latency_ms > SLOW_FACTOR * max(usual_ms or 0.0, expected_ms)
