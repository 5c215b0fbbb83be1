"""What a rule can see: the few facts of each event that some rule measures. Times are ms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeen:
    """A provider call ended."""

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
    """A request ended; `decided_tier` is where its decision sent it, where that was read."""

    at: int
    tenant: str
    status: str
    decided_tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSeen:
    """An answer was scored, 0..1."""

    at: int
    tier: str | None
    signal: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterObserved:
    """A message went to a dead-letter topic; `topic` is the one that it was meant for."""

    at: int
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LagSeen:
    """How many records a group is behind on a topic."""

    at: int
    group: str
    topic: str
    records: int


Seen = CallSeen | EndSeen | ScoreSeen | DeadLetterObserved | LagSeen
