"""Assessment of a request by the policy's classifier: score, tier and reasons.

`rules` and the article's classifiers return a score, which the policy's boundaries map to a tier.
`learned` predicts the probability of a good answer on each tier. The best plan follows from these
or, with boundaries, a score: one minus the first tier's probability. The rules decide on prompts
outside its training domain. `llm` uses the classification by a small model, which is called
beforehand; without one the rules decide. `hybrid` uses the rules, and one of the other two where
the rules' score is near a boundary.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.routing.complexity import SCORE_DIGITS
from streams.routing.features.request_features import Features
from streams.routing.learned.domain import FAMILIAR
from streams.routing.llm.classification import LlmClassification
from streams.routing.rules.classifier import CLASSIFIERS
from streams.routing.selection.plans import best_plan
from streams.routing.selection.success_probability import predict_success
from streams.routing.snapshot import RegistrySnapshot

RULES, LEARNED, LLM, HYBRID = "rules", "learned", "llm", "hybrid"
CLASSIFIER_NAMES = (*CLASSIFIERS, LEARNED, LLM, HYBRID)

Costs = Mapping[str, int | None]
"""Expected cost of the request by tier, nano-USD; `None` without a known price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Result of a classifier: score 0..1 of the request's difficulty, tier, and reasons."""

    score: float
    tier: str
    reasons: tuple[str, ...]


def assess(
    features: Features,
    snapshot: RegistrySnapshot,
    costs: Costs,
    opinion: LlmClassification | None = None,
) -> Assessment:
    """Assess a request by the policy's classifier; `opinion` is the result of the LLM
    classification.
    """
    policy = snapshot.policy
    if policy.classifier == LEARNED:
        return _learned(features, snapshot, costs)
    if policy.classifier == LLM:
        return _by_opinion(features, snapshot, opinion)
    if policy.classifier != HYBRID:
        return _by_rules(policy.classifier, features, snapshot)
    ruled = _by_rules(RULES, features, snapshot)
    if not _is_unsure(ruled, features, snapshot):
        return ruled
    if policy.hybrid.asks == LLM:
        second = _by_opinion(features, snapshot, opinion)
    else:
        second = _learned(features, snapshot, costs)
    why = f"rules say {ruled.score:g}, too near a boundary to tell"
    return Assessment(score=second.score, tier=second.tier, reasons=(why, *second.reasons))


def uses_artifact(snapshot: RegistrySnapshot) -> bool:
    """Return whether the classifier uses the learned artifact and weighs the cost of each tier."""
    policy = snapshot.policy
    return policy.classifier == LEARNED or (
        policy.classifier == HYBRID and policy.hybrid.asks == LEARNED
    )


def needs_llm_classification(features: Features, snapshot: RegistrySnapshot) -> bool:
    """Return whether the request needs an LLM classification."""
    policy = snapshot.policy
    if policy.classifier == LLM:
        return True
    return (
        policy.classifier == HYBRID
        and policy.hybrid.asks == LLM
        and _is_unsure(_by_rules(RULES, features, snapshot), features, snapshot)
    )


def _by_rules(name: str, features: Features, snapshot: RegistrySnapshot) -> Assessment:
    result = CLASSIFIERS[name](features, snapshot.policy.retrieval)
    score = round(result.score, SCORE_DIGITS)
    place = tier_of_score(score, boundaries_of(features.feature, snapshot))
    return Assessment(score=score, tier=snapshot.tiers[place], reasons=result.reasons)


def _is_unsure(ruled: Assessment, features: Features, snapshot: RegistrySnapshot) -> bool:
    boundaries = boundaries_of(features.feature, snapshot)
    distance = min((abs(ruled.score - each) for each in boundaries), default=1.0)
    return distance <= snapshot.policy.hybrid.margin


def _by_opinion(
    features: Features, snapshot: RegistrySnapshot, opinion: LlmClassification | None
) -> Assessment:
    """Return the LLM's tier or, if boundaries are set, the tier of its score."""
    if opinion is None or opinion.tier is None:
        ruled = _by_rules(RULES, features, snapshot)
        cause = opinion.failed if opinion is not None and opinion.failed else "it was not asked"
        why = f"no opinion of a model ({cause}), the rules decide"
        return Assessment(score=ruled.score, tier=ruled.tier, reasons=(why, *ruled.reasons))
    place = snapshot.tiers.index(opinion.tier)
    score = opinion.score
    if score is None:
        score = round((place + 0.5) / len(snapshot.tiers), SCORE_DIGITS)
    elif boundaries := snapshot.policy.boundaries_for(features.feature):
        place = tier_of_score(score, boundaries)
    reason = f"a model says {opinion.tier}" + (f": {opinion.reason}" if opinion.reason else "")
    return Assessment(score=score, tier=snapshot.tiers[place], reasons=(reason,))


def tier_of_score(score: float, boundaries: Sequence[float]) -> int:
    """Return the index of the tier of a score: each tier begins at its boundary."""
    return bisect_right(boundaries, score)


def equal_shares(tiers: int) -> list[float]:
    """Return boundaries that give each tier an equal share of 0..1."""
    return [place / tiers for place in range(1, tiers)]


def boundaries_of(feature: str | None, snapshot: RegistrySnapshot) -> Sequence[float]:
    """Return the score at which each tier after the first begins; equal shares if none are set."""
    chosen = snapshot.policy.boundaries_for(feature)
    if chosen:
        return chosen
    return equal_shares(len(snapshot.tiers))


def _learned(features: Features, snapshot: RegistrySnapshot, costs: Costs) -> Assessment:
    """Assess by the artifact; for prompts outside its domain, by the rules."""
    found = predict_success(features.question, snapshot)
    chances = found.chances
    score = round(1 - chances[0], SCORE_DIGITS)
    listed = ", ".join(
        f"{tier} {chance:.2f}" for tier, chance in zip(snapshot.tiers, chances, strict=True)
    )
    if found.familiarity < FAMILIAR:
        ruled = _by_rules(RULES, features, snapshot)
        why = f"unlike what was learned from, the rules decide (learned says {listed})"
        return Assessment(score=ruled.score, tier=ruled.tier, reasons=(why, *ruled.reasons))
    reasons = [f"chance of a good answer: {listed}"]
    boundaries = snapshot.policy.boundaries_for(features.feature)
    if boundaries:
        return Assessment(
            score=score,
            tier=snapshot.tiers[tier_of_score(score, boundaries)],
            reasons=tuple(reasons),
        )
    plan = best_plan(
        chances,
        [costs.get(tier) for tier in snapshot.tiers],
        features.quality,
        cascades=snapshot.policy.cascade.enabled,
    )
    reasons.append(
        f"starting on {snapshot.tiers[plan.start]} is expected to reach {plan.quality:.2f} "
        f"at {plan.cost:.0%} of the dearest tier's cost"
    )
    return Assessment(score=score, tier=snapshot.tiers[plan.start], reasons=tuple(reasons))
