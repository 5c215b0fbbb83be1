"""Facts of events that rules measure. Times are ms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeen:
    """A finished provider call."""

    at: int
    tenant: str
    model: str
    instance: str | None
    purpose: str
    status: str
    cost_nano: int | None
    price_source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSeen:
    """A terminal outcome; `decided_tier` is the tier of its decision, if it was read."""

    at: int
    tenant: str
    status: str
    decided_tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSeen:
    """A score of an answer, 0..1."""

    at: int
    tier: str | None
    signal: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterObserved:
    """A dead letter; `topic` is the one that it was meant for."""

    at: int
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LagSeen:
    """A group's lag on a topic, in records."""

    at: int
    group: str
    topic: str
    records: int


Seen = CallSeen | EndSeen | ScoreSeen | DeadLetterObserved | LagSeen
