"""What a classifier, whatever its kind, makes of a request: a score, a tier, reasons.

`rules` and the article's give a score, which the policy's boundaries spread over the tiers.
`learned` gives the chance of a good answer on each tier, from which the best plan follows, or, with
boundaries, a score: one less the first tier's chance; the rules decide on prompts that are unlike
what it was trained on. `llm` goes by the opinion of a small model,
which was asked before; without one the rules decide. `hybrid` goes by the rules, and by one of the
two where the rules' score lies near a boundary.
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
from streams.routing.selection.success_probability import foresee
from streams.routing.snapshot import RegistrySnapshot

RULES, LEARNED, LLM, HYBRID = "rules", "learned", "llm", "hybrid"
CLASSIFIER_NAMES = (*CLASSIFIERS, LEARNED, LLM, HYBRID)

Costs = Mapping[str, int | None]
"""Expected cost of the request by tier, nano-USD; `None` where no price is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A classifier's word: score 0..1 of how demanding a request is, its tier, and why."""

    score: float
    tier: str
    reasons: tuple[str, ...]


def assess(
    seen: Features,
    snapshot: RegistrySnapshot,
    costs: Costs,
    opinion: LlmClassification | None = None,
) -> Assessment:
    """Ask the policy's classifier; `opinion` is what the `llm` classifier's model said."""
    policy = snapshot.policy
    if policy.classifier == LEARNED:
        return _learned(seen, snapshot, costs)
    if policy.classifier == LLM:
        return _by_opinion(seen, snapshot, opinion)
    if policy.classifier != HYBRID:
        return _by_rules(policy.classifier, seen, snapshot)
    ruled = _by_rules(RULES, seen, snapshot)
    if not _is_unsure(ruled, seen, snapshot):
        return ruled
    if policy.hybrid.asks == LLM:
        second = _by_opinion(seen, snapshot, opinion)
    else:
        second = _learned(seen, snapshot, costs)
    why = f"rules say {ruled.score:g}, too near a boundary to tell"
    return Assessment(score=second.score, tier=second.tier, reasons=(why, *second.reasons))


def uses_artifact(snapshot: RegistrySnapshot) -> bool:
    """Whether the policy's classifier goes by what was learned, and weighs what each tier costs."""
    policy = snapshot.policy
    return policy.classifier == LEARNED or (
        policy.classifier == HYBRID and policy.hybrid.asks == LEARNED
    )


def wants_opinion(seen: Features, snapshot: RegistrySnapshot) -> bool:
    """Whether a model is to be asked where this request belongs."""
    policy = snapshot.policy
    if policy.classifier == LLM:
        return True
    return (
        policy.classifier == HYBRID
        and policy.hybrid.asks == LLM
        and _is_unsure(_by_rules(RULES, seen, snapshot), seen, snapshot)
    )


def _by_rules(name: str, seen: Features, snapshot: RegistrySnapshot) -> Assessment:
    verdict = CLASSIFIERS[name](seen, snapshot.policy.retrieval)
    score = round(verdict.score, SCORE_DIGITS)
    place = tier_of_score(score, boundaries_of(seen.feature, snapshot))
    return Assessment(score=score, tier=snapshot.tiers[place], reasons=verdict.reasons)


def _is_unsure(ruled: Assessment, seen: Features, snapshot: RegistrySnapshot) -> bool:
    boundaries = boundaries_of(seen.feature, snapshot)
    distance = min((abs(ruled.score - each) for each in boundaries), default=1.0)
    return distance <= snapshot.policy.hybrid.margin


def _by_opinion(
    seen: Features, snapshot: RegistrySnapshot, opinion: LlmClassification | None
) -> Assessment:
    """What the model said: its tier, or, with boundaries set, the one of its score."""
    if opinion is None or opinion.tier is None:
        ruled = _by_rules(RULES, seen, snapshot)
        cause = opinion.failed if opinion is not None and opinion.failed else "it was not asked"
        why = f"no opinion of a model ({cause}), the rules decide"
        return Assessment(score=ruled.score, tier=ruled.tier, reasons=(why, *ruled.reasons))
    place = snapshot.tiers.index(opinion.tier)
    score = opinion.score
    if score is None:
        score = round((place + 0.5) / len(snapshot.tiers), SCORE_DIGITS)
    elif boundaries := snapshot.policy.boundaries_for(seen.feature):
        place = tier_of_score(score, boundaries)
    said = f"a model says {opinion.tier}" + (f": {opinion.reason}" if opinion.reason else "")
    return Assessment(score=score, tier=snapshot.tiers[place], reasons=(said,))


def tier_of_score(score: float, boundaries: Sequence[float]) -> int:
    """The place of the tier in which a score falls: each begins at its boundary."""
    return bisect_right(boundaries, score)


def equal_shares(tiers: int) -> list[float]:
    """Boundaries that give each of so many tiers an equal share of 0..1."""
    return [place / tiers for place in range(1, tiers)]


def boundaries_of(feature: str | None, snapshot: RegistrySnapshot) -> Sequence[float]:
    """Scores from which each tier after the first begins; equal shares unless the policy says."""
    chosen = snapshot.policy.boundaries_for(feature)
    if chosen:
        return chosen
    return equal_shares(len(snapshot.tiers))


def _learned(seen: Features, snapshot: RegistrySnapshot, costs: Costs) -> Assessment:
    """What was learned, on prompts like the labels; on others the rules, with what it would say."""
    found = foresee(seen.question, snapshot)
    chances = found.chances
    score = round(1 - chances[0], SCORE_DIGITS)
    said = ", ".join(
        f"{tier} {chance:.2f}" for tier, chance in zip(snapshot.tiers, chances, strict=True)
    )
    if found.familiarity < FAMILIAR:
        ruled = _by_rules(RULES, seen, snapshot)
        why = f"unlike what was learned from, the rules decide (learned says {said})"
        return Assessment(score=ruled.score, tier=ruled.tier, reasons=(why, *ruled.reasons))
    reasons = [f"chance of a good answer: {said}"]
    boundaries = snapshot.policy.boundaries_for(seen.feature)
    if boundaries:
        return Assessment(
            score=score,
            tier=snapshot.tiers[tier_of_score(score, boundaries)],
            reasons=tuple(reasons),
        )
    plan = best_plan(
        chances,
        [costs.get(tier) for tier in snapshot.tiers],
        seen.quality,
        cascades=snapshot.policy.cascade.enabled,
    )
    reasons.append(
        f"starting on {snapshot.tiers[plan.start]} is expected to reach {plan.quality:.2f} "
        f"at {plan.cost:.0%} of the dearest tier's cost"
    )
    return Assessment(score=score, tier=snapshot.tiers[plan.start], reasons=tuple(reasons))
