"""A recorded decision of the journal, and the inputs that a replay uses (law 5)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import UNDECIDED, Decision, Source


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
