"""When a recorded assessment stands for a new one: the same classifier, by the same code, of the
same request.

Rules and learned scores do not depend on where the boundaries lie, so a registry that only moves
boundaries, tiers' models or prices needs no text to be read again. Whatever else a classifier looks
at must be equal on both sides; where that can't be said, the request is assessed anew.
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
    recorded: Recorded, before: RegistrySnapshot | None, ground: RegistrySnapshot
) -> Assessment | None:
    """The recorded assessment under the new boundaries; `None` where it has to be made anew.

    `before` is what the request was decided by, its arm's snapshot if it was in one.
    """
    decision, policy = recorded.decision, ground.policy
    if (
        before is None
        or decision.score is None
        or decision.code_version != CODE_VERSION
        or decision.classifier in {STATIC, HYBRID, LLM}
        or decision.classifier != policy.classifier
        or not assesses_alike(before, ground, recorded.feature)
    ):
        return None
    place = tier_of_score(decision.score, boundaries_of(recorded.feature, ground))
    return Assessment(
        score=decision.score, tier=ground.tiers[place], reasons=tuple(decision.reasons)
    )


def assesses_alike(before: RegistrySnapshot, ground: RegistrySnapshot, feature: str | None) -> bool:
    """Whether both give every request of this feature the same score, for the same reasons."""
    old, new = before.policy, ground.policy
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
        and ground.artifact is not None
        and before.artifact.hash == ground.artifact.hash
        and before.tiers == ground.tiers
        and all(before.columns[tier] == ground.columns[tier] for tier in ground.tiers)
        # Without boundaries the best plan decides, whose chances are not recorded as numbers.
        and bool(old.boundaries_for(feature))
        and bool(new.boundaries_for(feature))
    )
