"""What a classifier, whatever its kind, makes of a request: a score, a tier, reasons.

`rules` and the article's give a score, which the policy's boundaries spread over the tiers.
`learned` gives the chance of a good answer on each tier, from which the best plan follows, or, with
boundaries, a score: one less the first tier's chance. `hybrid` asks the rules, and the learned
classifier where their score lies near a boundary.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.routing.features import Features
from streams.routing.landscape import Landscape
from streams.routing.learned.tokens import Tokens
from streams.routing.plans import best_plan
from streams.routing.rules import CLASSIFIERS, SCORE_DIGITS

LEARNED, HYBRID = "learned", "hybrid"
CLASSIFIER_NAMES = (*CLASSIFIERS, LEARNED, HYBRID)
NEED_ARTIFACT = frozenset({LEARNED, HYBRID})

Costs = Mapping[str, int | None]
"""Expected cost of the request by tier, nano-USD; `None` where no price is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A classifier's word: score 0..1 of how demanding a request is, its tier, and why."""

    score: float
    tier: str
    reasons: tuple[str, ...]


def assess(seen: Features, landscape: Landscape, costs: Costs) -> Assessment:
    """Ask the policy's classifier."""
    name = landscape.policy.classifier
    if name == LEARNED:
        return _learned(seen, landscape, costs)
    verdict = CLASSIFIERS["rules" if name == HYBRID else name](seen, landscape.policy.retrieval)
    score = round(verdict.score, SCORE_DIGITS)
    boundaries = boundaries_of(seen.feature, landscape)
    if name == HYBRID:
        distance = min((abs(score - each) for each in boundaries), default=1.0)
        if distance <= landscape.policy.learned.margin:
            found = _learned(seen, landscape, costs)
            why = f"rules say {score:g}, too near a boundary to tell"
            return Assessment(score=found.score, tier=found.tier, reasons=(why, *found.reasons))
    tier = landscape.tiers[tier_of_score(score, boundaries)]
    return Assessment(score=score, tier=tier, reasons=verdict.reasons)


def weighs_cost(landscape: Landscape) -> bool:
    """Whether the policy's classifier asks what each tier costs."""
    return landscape.policy.classifier in NEED_ARTIFACT


def tier_of_score(score: float, boundaries: Sequence[float]) -> int:
    """The place of the tier in which a score falls: each begins at its boundary."""
    return bisect_right(boundaries, score)


def equal_shares(tiers: int) -> list[float]:
    """Boundaries that give each of so many tiers an equal share of 0..1."""
    return [place / tiers for place in range(1, tiers)]


def boundaries_of(feature: str | None, landscape: Landscape) -> Sequence[float]:
    """Scores from which each tier after the first begins; equal shares unless the policy says."""
    chosen = landscape.policy.boundaries_for(feature)
    if chosen:
        return chosen
    return equal_shares(len(landscape.tiers))


def chances_of(prompt: str, landscape: Landscape) -> tuple[float, ...]:
    """The chance (0..1) of a good answer on each tier, rounded to 1e-6."""
    artifact = landscape.artifact
    if artifact is None:
        raise ValueError("the registry's policy names no artifact")
    expected = artifact.prompt.predict(Tokens.of(prompt))
    return tuple(
        round(min(max(float(expected[landscape.columns[tier]]), 0.0), 1.0), SCORE_DIGITS)
        for tier in landscape.tiers
    )


def _learned(seen: Features, landscape: Landscape, costs: Costs) -> Assessment:
    chances = chances_of(seen.question, landscape)
    score = round(1 - chances[0], SCORE_DIGITS)
    said = ", ".join(
        f"{tier} {chance:.2f}" for tier, chance in zip(landscape.tiers, chances, strict=True)
    )
    reasons = [f"chance of a good answer: {said}"]
    boundaries = landscape.policy.boundaries_for(seen.feature)
    if boundaries:
        return Assessment(
            score=score,
            tier=landscape.tiers[tier_of_score(score, boundaries)],
            reasons=tuple(reasons),
        )
    plan = best_plan(
        chances,
        [costs.get(tier) for tier in landscape.tiers],
        seen.quality,
        cascades=landscape.policy.cascade.enabled,
    )
    reasons.append(
        f"starting on {landscape.tiers[plan.start]} is expected to reach {plan.quality:.2f} "
        f"at {plan.cost:.0%} of the dearest tier's cost"
    )
    return Assessment(score=score, tier=landscape.tiers[plan.start], reasons=tuple(reasons))
