"""A decision as the journal recorded it, and what of its inputs a replay starts from (law 5)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import UNDECIDED, Decision, Source
from streams.routing.decision_inputs import same_classify


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request's first terminal outcome: who, where it lies in the log, what was decided.

    `tenant` is the one that counted, which a request topic may have set; `feature` and `user_tier`
    are the caller's; `ended_tier` is the tier whose answer was sent, empty where none was.
    """

    tenant: str
    request_id: str
    source: Source
    decision: Decision
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    ended_tier: str = ""

    @property
    def was_decided(self) -> bool:
        """Whether there is a decision to hold another against."""
        return self.decision.classifier != UNDECIDED


def same_decision(recorded: Decision, again: Decision) -> bool:
    """Whether both say the same from the same inputs, to the last bit.

    What later hops added to the inputs is left out: it is no part of where a request starts.
    """
    return (
        recorded.tier == again.tier
        and recorded.score == again.score
        and recorded.model == again.model
        and recorded.classifier == again.classifier
        and recorded.reasons == again.reasons
        and recorded.registry_version == again.registry_version
        and recorded.code_version == again.code_version
        and recorded.artifact == again.artifact
        and recorded.experiment == again.experiment
        and recorded.arm == again.arm
        and recorded.propensity == again.propensity
        and same_classify(recorded.inputs, again.inputs)
    )
