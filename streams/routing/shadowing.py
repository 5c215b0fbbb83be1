"""Draw of shadow calls: answered requests for which another tier is called too, for comparison."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routing.decision_trace import ShadowStep
from streams.routing.draws import draw, weighted_choice
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """Draw of a shadow call: its tier (`None`: none), the draw, and the probability (0..1) with
    which this tier is drawn.
    """

    tier: str | None
    draw: float
    probability: float

    def step(self, *, allowed: bool) -> ShadowStep:
        """Return the draw as a step of the hop's trace."""
        return ShadowStep(
            tier=self.tier, draw=self.draw, probability=self.probability, allowed=allowed
        )


def shadow_of(identity: str, answered: str, snapshot: RegistrySnapshot) -> Shadow | None:
    """Return the draw for an answered request; `None` if the policy has no shadow calls."""
    policy = snapshot.policy.shadow
    others = [tier for tier in snapshot.tiers if tier != answered]
    if policy is None or not others:
        return None
    drawn = draw(f"shadow/{identity}")
    probability = round(policy.share / len(others), 6)
    if drawn >= policy.share:
        return Shadow(tier=None, draw=drawn, probability=probability)
    tier = weighted_choice(f"shadow/{identity}", [(each, 1.0) for each in others])
    return Shadow(tier=tier, draw=drawn, probability=probability)
