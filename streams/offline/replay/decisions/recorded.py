"""A recorded decision of the journal, and the inputs that a replay uses (law 5)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import UNDECIDED, Decision, Source
from streams.routing.decision_inputs import same_classify


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request's first terminal outcome: tenant, position in the log, decision.

    `tenant` is the effective one, which a request topic may have set; `feature` and `user_tier` are
    the caller's; `ended_tier` is the tier of the sent answer, empty without one.
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
        """Return whether there is a decision to compare with."""
        return self.decision.classifier != UNDECIDED


def same_decision(recorded: Decision, again: Decision) -> bool:
    """Return whether both decisions and their inputs are identical, to the last bit.

    Inputs added by later hops are ignored: they do not affect the first tier.
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
