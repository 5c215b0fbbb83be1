"""Reuse of a recorded assessment: the same classifier and code on the same request.

Rules and learned scores do not depend on the boundaries, so a registry that only changes
boundaries, tiers' models or prices needs no new assessment. All other inputs of the classifier must
be equal on both sides; if this is uncertain, the request is assessed again.
"""

from __future__ import annotations

from streams.offline.replay.decisions.recorded import Recorded
from streams.routing.assessment import (
    HYBRID,
    LEARNED,
    LLM,
    Assessment,
    boundaries_of,
    tier_of_score,
)
from streams.routing.decision import CODE_VERSION, STATIC
from streams.routing.snapshot import RegistrySnapshot


def reused(
    recorded: Recorded, before: RegistrySnapshot | None, effective: RegistrySnapshot
) -> Assessment | None:
    """Return the recorded assessment under the new boundaries; `None` if a new one is needed.

    `before` is the snapshot of the recorded decision, its arm's if it was in one.
    """
    decision, policy = recorded.decision, effective.policy
    if (
        before is None
        or decision.score is None
        or decision.code_version != CODE_VERSION
        or decision.classifier in {STATIC, HYBRID, LLM}
        or decision.classifier != policy.classifier
        or not assesses_alike(before, effective, recorded.feature)
    ):
        return None
    place = tier_of_score(decision.score, boundaries_of(recorded.feature, effective))
    return Assessment(
        score=decision.score, tier=effective.tiers[place], reasons=tuple(decision.reasons)
    )


def assesses_alike(
    before: RegistrySnapshot, effective: RegistrySnapshot, feature: str | None
) -> bool:
    """Return whether both give every request of this feature the same score, for the same
    reasons.
    """
    old, new = before.policy, effective.policy
    if (
        old.classifier != new.classifier
        or old.retrieval != new.retrieval
        or old.quality_for(feature) != new.quality_for(feature)
    ):
        return False
    if new.classifier != LEARNED:
        return True
    return (
        before.artifact is not None
        and effective.artifact is not None
        and before.artifact.hash == effective.artifact.hash
        and before.tiers == effective.tiers
        and all(before.columns[tier] == effective.columns[tier] for tier in effective.tiers)
        # Without boundaries the best plan decides, whose probabilities are not recorded as numbers.
        and bool(old.boundaries_for(feature))
        and bool(new.boundaries_for(feature))
    )
