"""Cascade: accept an answer or escalate to another tier.

The decision is by threshold or, if the policy says so and no threshold is set, by expected gain
against cost. Bounds (design, section 6): `max_hops`, the deadline, and the top tier, whose answer
is accepted. When a higher tier fails, the best answer so far is returned, marked `degraded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.records import Answer
from streams.routing.confidence.scorers import ConfidenceResult
from streams.routing.policy import BY_WORTH
from streams.routing.selection.plans import continuation_value
from streams.routing.snapshot import RegistrySnapshot

MIN_TIME_TO_ESCALATE_MS = 250.0
"""With less time left than this, the request does not escalate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The answer is accepted."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The request escalates to the next tier."""

    tier: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeState:
    """State of a request at the end of a hop: tier, hop number, time left in ms, a pin, the
    caller's feature, the quality preference and, where continuation is weighed, the expected cost
    of each tier (any unit).
    """

    tier: str
    hop: int
    time_left_ms: float
    pinned: bool
    feature: str | None = None
    quality: str = "balanced"
    costs: Mapping[str, int | None] = field(default_factory=dict)


def after_answer(
    result: ConfidenceResult, state: CascadeState, snapshot: RegistrySnapshot
) -> Accept | Escalate:
    """Return whether an answer of this confidence is accepted."""
    if not snapshot.policy.cascade.enabled:
        return Accept(why="the cascade is off")
    if weighs_continuation(state, snapshot) and result.chances:
        return _by_worth(result, state, snapshot)
    threshold = snapshot.policy.threshold(state.tier, state.feature)
    if result.confidence >= threshold:
        return Accept(why=f"confidence {result.confidence:g} reaches {threshold:g}")
    following = next_tier(state, snapshot)
    if following is None:
        return Accept(
            why=f"confidence {result.confidence:g} is below {threshold:g}, nobody is left to ask"
        )
    return Escalate(tier=following, why=f"confidence {result.confidence:g} is below {threshold:g}")


def accepts_any_answer(state: CascadeState, snapshot: RegistrySnapshot) -> bool:
    """Return whether an answer is accepted whatever its confidence, so that it may be passed on
    while it is written.
    """
    return not snapshot.policy.cascade.enabled or next_tier(state, snapshot) is None


def weighs_continuation(state: CascadeState, snapshot: RegistrySnapshot) -> bool:
    """Return whether the policy weighs continuation against its cost on this tier."""
    policy = snapshot.policy
    return (
        policy.cascade.stop == BY_WORTH and policy.threshold_set(state.tier, state.feature) is None
    )


def _by_worth(
    result: ConfidenceResult, state: CascadeState, snapshot: RegistrySnapshot
) -> Accept | Escalate:
    """Cascade routing: follow the best plan of the remaining tiers if it is worth more than
    stopping.
    """
    sure = f"confidence {result.confidence:g}"
    if next_tier(state, snapshot) is None:
        return Accept(why=f"{sure}, nobody is left to ask")
    prospect = continuation_value(
        snapshot.tiers.index(state.tier),
        result.confidence,
        result.chances,
        [state.costs.get(tier) for tier in snapshot.tiers],
        state.quality,
    )
    if prospect is None or prospect.worth <= 0:
        return Accept(why=f"{sure}, going on is not worth its cost")
    return Escalate(
        tier=snapshot.tiers[prospect.to],
        why=f"{sure}, going on gains {prospect.gain:.2f} for {prospect.cost:.0%} of the dearest",
    )


def next_tier(state: CascadeState, snapshot: RegistrySnapshot) -> str | None:
    """Return the next tier within the cascade's bounds."""
    if state.pinned or state.hop + 1 >= snapshot.policy.cascade.max_hops:
        return None
    if state.time_left_ms < MIN_TIME_TO_ESCALATE_MS:
        return None
    return snapshot.tier_above(state.tier)


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """Return the answer with the highest confidence; of equals the later, of the stronger tier."""
    best: Answer | None = None
    for answer in answers:
        if best is None or (answer.confidence or 0.0) >= (best.confidence or 0.0):
            best = answer
    return best
