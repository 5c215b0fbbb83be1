"""Tier messages of hop 0: the first hop of a request, and the verdict that ends one."""

from __future__ import annotations

from dataclasses import replace

from schemas.errors import InvalidRequestError
from schemas.records import CANCELLED, UNDECIDED, Decision, Failure, TierMessage
from streams.agents.classify.opened_request import CheckedRequest, OpenedRequest
from streams.routing.decision import CODE_VERSION
from streams.routing.snapshot import RegistrySnapshot


def first_hop(
    opened: OpenedRequest,
    checked: CheckedRequest,
    current: RegistrySnapshot,
    effective: RegistrySnapshot,
) -> TierMessage:
    """Return hop 0 of a request without a decision, on the first tier.

    `effective` is the snapshot under the policy of the request's experiment arm.
    """
    request = checked.request
    return TierMessage(
        tenant=opened.tenant,
        request_id=opened.request_id,
        source=opened.source,
        hop=0,
        visit=0,
        tier=current.tiers[0],
        body=checked.body,
        user_id=request.user_id,
        user_tier=request.user_tier,
        feature=request.feature,
        quality=effective.policy.quality_for(request.feature, request.quality),
        retrieval_scores=request.retrieval_scores,
        retrieval_query_type=request.retrieval_query_type,
        metadata=request.metadata,
        deadline_at=checked.deadline_at,
        reply_to=opened.reply_to,
        stream=opened.stream,
        decision=_undecided(current),
    )


def verdict(opened: OpenedRequest, failure: Failure, snapshot: RegistrySnapshot) -> TierMessage:
    """Return the hop that ends a request without a call: rejected, expired or failed."""
    return TierMessage(
        tenant=opened.tenant,
        request_id=opened.request_id,
        source=opened.source,
        hop=0,
        visit=0,
        tier=snapshot.tiers[0],
        body=b"",
        user_id=None,
        user_tier=None,
        feature=None,
        quality=snapshot.policy.default_quality,
        deadline_at=opened.source.timestamp,
        reply_to=opened.reply_to,
        decision=_undecided(snapshot),
        verdict=failure,
    )


def cancellation(opened: OpenedRequest, until: int, snapshot: RegistrySnapshot) -> TierMessage:
    """Return the message that cancels the earlier request of the same id, whose deadline is `until`
    (broker time, ms).
    """
    asked = Failure(code=CANCELLED, message="the caller cancels the request", retryable=False)
    return replace(verdict(opened, asked, snapshot), deadline_at=until)


def failure_of(error: InvalidRequestError) -> Failure:
    """Return the failure that a refused request's reply states."""
    retryable = error.code == "deadline_exceeded"
    return Failure(code=error.code, message=str(error), retryable=retryable)


def _undecided(snapshot: RegistrySnapshot) -> Decision:
    return Decision(
        classifier=UNDECIDED,
        score=None,
        tier=snapshot.tiers[0],
        model=None,
        reasons=(),
        registry_version=snapshot.version,
        code_version=CODE_VERSION,
    )
