"""After an answer: is it good enough, or does another tier try?

By threshold, or, where the policy says so and nobody set one, by whether going on is worth its
cost. Bounds of the design's section 6: `max_hops`, the deadline, and the top tier, whose answer
stands. When a higher tier fails, the best answer seen so far is given, marked `degraded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.records import Answer
from streams.routing.confidence.scorers import ConfidenceResult
from streams.routing.policy import BY_WORTH
from streams.routing.selection.plans import going_on
from streams.routing.snapshot import RegistrySnapshot

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
class CascadeState:
    """Where a request stands when a hop ends: its tier, hop number, time left in ms, a pin, the
    caller's feature, the quality preference, and, where going on is weighed, what each tier is
    expected to cost (any unit).
    """

    tier: str
    hop: int
    time_left_ms: float
    pinned: bool
    feature: str | None = None
    quality: str = "balanced"
    costs: Mapping[str, int | None] = field(default_factory=dict)


def after_answer(
    verdict: ConfidenceResult, standing: CascadeState, snapshot: RegistrySnapshot
) -> Accept | Escalate:
    """Whether an answer of this confidence stands."""
    if not snapshot.policy.cascade.enabled:
        return Accept(why="the cascade is off")
    if weighs_going_on(standing, snapshot) and verdict.chances:
        return _by_worth(verdict, standing, snapshot)
    threshold = snapshot.policy.threshold(standing.tier, standing.feature)
    if verdict.confidence >= threshold:
        return Accept(why=f"confidence {verdict.confidence:g} reaches {threshold:g}")
    following = next_tier(standing, snapshot)
    if following is None:
        return Accept(
            why=f"confidence {verdict.confidence:g} is below {threshold:g}, nobody is left to ask"
        )
    return Escalate(tier=following, why=f"confidence {verdict.confidence:g} is below {threshold:g}")


def weighs_going_on(standing: CascadeState, snapshot: RegistrySnapshot) -> bool:
    """Whether the policy weighs going on against its cost, on this tier."""
    policy = snapshot.policy
    return (
        policy.cascade.stop == BY_WORTH
        and policy.threshold_set(standing.tier, standing.feature) is None
    )


def _by_worth(
    verdict: ConfidenceResult, standing: CascadeState, snapshot: RegistrySnapshot
) -> Accept | Escalate:
    """Cascade routing: the best plan of the tiers behind, if it is worth more than stopping."""
    sure = f"confidence {verdict.confidence:g}"
    if next_tier(standing, snapshot) is None:
        return Accept(why=f"{sure}, nobody is left to ask")
    prospect = going_on(
        snapshot.tiers.index(standing.tier),
        verdict.confidence,
        verdict.chances,
        [standing.costs.get(tier) for tier in snapshot.tiers],
        standing.quality,
    )
    if prospect is None or prospect.worth <= 0:
        return Accept(why=f"{sure}, going on is not worth its cost")
    return Escalate(
        tier=snapshot.tiers[prospect.to],
        why=f"{sure}, going on gains {prospect.gain:.2f} for {prospect.cost:.0%} of the dearest",
    )


def next_tier(standing: CascadeState, snapshot: RegistrySnapshot) -> str | None:
    """The tier that may be asked after this one, within the cascade's bounds."""
    if standing.pinned or standing.hop + 1 >= snapshot.policy.cascade.max_hops:
        return None
    if standing.time_left_ms < MIN_TIME_TO_ESCALATE_MS:
        return None
    return snapshot.tier_above(standing.tier)


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """The answer with the highest confidence; of equals the later, from the stronger tier."""
    best: Answer | None = None
    for answer in answers:
        if best is None or (answer.confidence or 0.0) >= (best.confidence or 0.0):
            best = answer
    return best
