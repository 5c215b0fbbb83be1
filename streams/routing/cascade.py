"""After an answer: is it good enough, or does the next tier try?

Bounds of the design's section 6: `max_hops`, the deadline, and the top tier, whose answer stands.
When a higher tier fails, the best answer seen so far is given, marked `degraded`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.records import Answer
from streams.routing.confidence import Verdict
from streams.routing.landscape import Landscape

MIN_TIME_TO_ESCALATE_MS = 250.0
"""With less time left than this, no further tier is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The answer stands."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The next tier is asked."""

    tier: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a request stands when a hop ends: its tier, hop number, time left in ms, a pin, and
    the caller's feature.
    """

    tier: str
    hop: int
    time_left_ms: float
    pinned: bool
    feature: str | None = None


def after_answer(verdict: Verdict, standing: Standing, landscape: Landscape) -> Accept | Escalate:
    """Whether an answer of this confidence stands."""
    cascade = landscape.policy.cascade
    threshold = landscape.policy.threshold(standing.tier, standing.feature)
    if not cascade.enabled:
        return Accept(why="the cascade is off")
    if verdict.confidence >= threshold:
        return Accept(why=f"confidence {verdict.confidence:g} reaches {threshold:g}")
    following = next_tier(standing, landscape)
    if following is None:
        return Accept(
            why=f"confidence {verdict.confidence:g} is below {threshold:g}, nobody is left to ask"
        )
    return Escalate(tier=following, why=f"confidence {verdict.confidence:g} is below {threshold:g}")


def next_tier(standing: Standing, landscape: Landscape) -> str | None:
    """The tier that may be asked after this one, within the cascade's bounds."""
    if standing.pinned or standing.hop + 1 >= landscape.policy.cascade.max_hops:
        return None
    if standing.time_left_ms < MIN_TIME_TO_ESCALATE_MS:
        return None
    return landscape.tier_above(standing.tier)


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """The answer with the highest confidence; of equals the later, from the stronger tier."""
    best: Answer | None = None
    for answer in answers:
        if best is None or (answer.confidence or 0.0) >= (best.confidence or 0.0):
            best = answer
    return best
