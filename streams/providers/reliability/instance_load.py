"""What every instance is doing now: calls in flight, latency seen lately, limits, health.

The values that routing chooses by (`streams.routing.selection.candidates`). Latency is a peak EWMA,
as in Finagle: a slow answer counts at once and is forgotten over some seconds, so that an instance
that has become slow is left alone before it has answered slowly many times.
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
"""Time after which a latency counts for a third."""

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
"""Ends of a call that speak against its instance; the others speak of the request, or of limits."""


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
    """A call that was begun: where, and how many tokens it was expected to use."""

    candidate: Candidate
    expected_tokens: int


class Instances:
    """The state of every instance in this worker; `owned` is its share 0..1 of the limits.

    Times are ms and come from the caller.
    """

    def __init__(self, owned: Callable[[], float] = lambda: 1.0) -> None:
        self._owned = owned
        self._seen: dict[Place, _Seen] = {}

    def conditions(self, models: Iterable[Model], now: float) -> dict[Place, InstanceStatus]:
        """How every instance of these models is doing."""
        share = self._owned()
        return {
            (model.name, instance.name): self._condition(model, instance, share, now)
            for model in models
            for instance in model.instances
        }

    def begin(self, candidate: Candidate, expected_tokens: int, now: float) -> CallInFlight:
        """A call is made; nothing may be awaited between its condition and this."""
        seen = self._of(candidate.model, candidate.instance)
        seen.limits.begin(candidate.instance.limits, expected_tokens)
        seen.breaker.begin(now)
        return CallInFlight(candidate=candidate, expected_tokens=expected_tokens)

    def answered(
        self, call: CallInFlight, latency_ms: float, used_tokens: int | None, now: float
    ) -> bool:
        """The call came back; whether that closed its instance's circuit."""
        seen = self._end(call, used_tokens)
        usual = seen.latency_ms
        seen.took(latency_ms, now)
        seen.limits.answered()
        if _is_slow(call, latency_ms, usual):
            seen.breaker.failed(now)
            return False
        return seen.breaker.succeeded(now)

    def failed(
        self, call: CallInFlight, kind: ErrorClass, retry_after_ms: float | None, now: float
    ) -> bool:
        """The call failed; whether that opened its instance's circuit."""
        seen = self._end(call, None if kind is ErrorClass.TIMEOUT else 0)
        if kind is ErrorClass.RATE_LIMITED:
            seen.limits.refused(retry_after_ms, now)
            seen.breaker.forgotten()
            return False
        if kind not in _UNHEALTHY:
            seen.breaker.forgotten()
            return False
        if kind is ErrorClass.OVERLOADED and retry_after_ms is not None:
            seen.limits.refused(retry_after_ms, now)
        return seen.breaker.failed(now)

    def cut_short(self, call: CallInFlight, waited_ms: float, now: float) -> bool:
        """The call was cut off since its request had no more time; whether that opened its
        instance's circuit. It speaks against the instance only where a slow answer would have:
        a short deadline says nothing about who was asked.
        """
        seen = self._end(call, None)
        if _is_slow(call, waited_ms, seen.latency_ms):
            return seen.breaker.failed(now)
        seen.breaker.forgotten()
        return False

    def given_up(self, call: CallInFlight) -> None:
        """The call was cut off by us; it says nothing of its instance."""
        self._end(call, None).breaker.forgotten()

    def state(self, model: Model, instance: Instance, now: float) -> State:
        """What its circuit lets through."""
        return self._of(model, instance).breaker.state(now)

    def levels(self, model: Model, instance: Instance, now: float) -> Levels:
        """What its limits still hold for this worker."""
        return self._of(model, instance).limits.levels(instance.limits, self._owned(), now)

    def _condition(
        self, model: Model, instance: Instance, share: float, now: float
    ) -> InstanceStatus:
        seen = self._of(model, instance)
        unhealthy = seen.breaker.why_not(now)
        full = seen.limits.why_not(instance.limits, share, now)
        return InstanceStatus(
            available=unhealthy is None and full is None,
            why=unhealthy or full or "",
            returns=unhealthy is None and full is not None,
            latency_ms=seen.latency_ms,
            in_flight=seen.limits.in_flight,
        )

    def _end(self, call: CallInFlight, used_tokens: int | None) -> _Seen:
        candidate = call.candidate
        seen = self._of(candidate.model, candidate.instance)
        seen.limits.end(candidate.instance.limits, call.expected_tokens, used_tokens)
        return seen

    def _of(self, model: Model, instance: Instance) -> _Seen:
        place = (model.name, instance.name)
        found = self._seen.get(place)
        if found is None:
            found = self._seen[place] = _Seen()
        return found


def _is_slow(call: CallInFlight, latency_ms: float, usual_ms: float | None) -> bool:
    expected_ms = call.candidate.model.expected_latency_ms
    return latency_ms > SLOW_FACTOR * max(usual_ms or 0.0, expected_ms)
