"""Outcome of a hop whose tier cannot answer, or whose time is over. Pure.

In this order: the next tier, the best answer so far, a wait, an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from schemas.journal_headers import JournalKind
from schemas.records import ANSWER, Attempt, Failure
from schemas.topics import WAIT_DELAYS_S
from streams.agents.calls.capacity import Availability, requirements
from streams.agents.context.hop import Hop
from streams.agents.context.outcome_kinds import Ending, GaveUp, MovedOn, Parked, Replied
from streams.providers.port import ErrorClass
from streams.routing.budgets import Downgrade, Rejected
from streams.routing.cascade import CascadeState, next_tier
from streams.routing.selection.candidates import no_model_fits
from streams.routing.selection.fallback import CONTEXT_LENGTH, TRANSIENT, FailedCall, TierExhausted

LEAST_MS_AFTER_WAIT = 1_000.0
"""Time that must remain for an answer after a wait."""

_REFUSALS = {ErrorClass.BAD_REQUEST.value, ErrorClass.INVALID_REQUEST.value}
"""Statuses that recur when the same request is sent again."""

_TOP = re.compile(r"[.\[]")

_OUT_OF_TIME = Failure(
    code="deadline_exceeded", message="no model answered before the deadline", retryable=True
)
_NO_CAPACITY = Failure(
    code="no_capacity",
    message="no model had capacity before the deadline; send it again later, or with more time",
    retryable=True,
)
_FITS_NOBODY = Failure(
    code="all_models_failed",
    message="no model can serve this request: its tokens fit no context window, or no model has "
    "what it needs; shorten it, or ask for less",
    retryable=False,
)


def out_of_time(hop: Hop) -> Ending:
    """Past the deadline: return the best answer so far, else expire the request."""
    return _best_answer(hop) or GaveUp(kind=JournalKind.EXPIRED, failure=_OUT_OF_TIME)


def no_candidates(
    hop: Hop, attempts: Sequence[Attempt], found: Availability, state: CascadeState
) -> Ending:
    """No candidate may be called: wait if only capacity is missing, else use another tier."""
    choice = found.choice
    if choice.lacks_capacity:
        expired = GaveUp(kind=JournalKind.EXPIRED, failure=_NO_CAPACITY)
        return _best_answer(hop) or _wait(hop, state) or expired
    if found.denied is not None:
        return _denied(hop, found.denied, state)
    why = "no healthy instance in the tier" if choice.lacks_health else "no model of the tier fits"
    return exhausted(hop, attempts, TierExhausted(why=why, passes=choice.lacks_health), (), state)


def _denied(hop: Hop, denied: Downgrade | Rejected, state: CascadeState) -> Ending:
    """Budgets leave no candidate: use another tier if only a model is used up, else the best
    answer, else the next cheaper tier if the budget downgrades, else reject the request.

    A request with a pinned model does not change its tier.
    """
    following = next_tier(state, hop.snapshot)
    if denied.spares_other_models and following is not None:
        return MovedOn(tier=following)
    best = _best_answer(hop)
    if best is not None:
        return best
    tier, tiers = hop.message.tier, hop.snapshot.tiers
    place = tiers.index(tier) if tier in tiers else 0
    if isinstance(denied, Downgrade) and not state.pinned and place > 0:
        return MovedOn(tier=tiers[place - 1])
    failure = Failure(code="budget_exceeded", message=denied.message, retryable=True)
    return GaveUp(kind=JournalKind.REJECTED, failure=failure)


def exhausted(
    hop: Hop,
    attempts: Sequence[Attempt],
    step: TierExhausted,
    failures: Sequence[FailedCall],
    state: CascadeState,
) -> Ending:
    """No candidate of the tier can answer: the next tier, the best answer, a wait, or a failure."""
    following = None if step.refused else next_tier(state, hop.snapshot)
    if following is not None:
        return MovedOn(tier=following)
    best = _best_answer(hop)
    if best is not None:
        return best
    statuses = {each.status for each in attempts if each.purpose == ANSWER}
    if not step.refused and (
        statuses == {CONTEXT_LENGTH}
        or no_model_fits(requirements(hop, attempts, state.time_left_ms), hop.snapshot)
    ):
        # Too large or demanding for every allowed model, as all reported or by the estimate.
        return GaveUp(kind=JournalKind.FAILED, failure=_FITS_NOBODY)
    if statuses and statuses <= _REFUSALS:
        step = replace(step, refused=True)
    wait = None
    if hop.snapshot.policy.fallback.wait and _may_pass(step, failures):
        wait = _wait(hop, state)
    return wait or GaveUp(kind=JournalKind.FAILED, failure=_failure(step, failures, hop))


def _best_answer(hop: Hop) -> Replied | None:
    """Return the best answer of earlier hops as the outcome; this hop has none."""
    best = hop.message.best
    return None if best is None else Replied(answer=best, fell_back=True)


def _may_pass(step: TierExhausted, failures: Sequence[FailedCall]) -> bool:
    """Return whether the cause may pass: no failure is permanent, on any tier."""
    if step.refused:
        return False
    classes = {failure.error_class for failure in failures}
    return (bool(classes) or step.passes) and classes <= TRANSIENT


def _wait(hop: Hop, state: CascadeState) -> Parked | None:
    """Return the wait on a wait topic: longer with each visit (always the shortest for priority
    hops), and over before the deadline; `None` if even the shortest is too long.
    """
    left = state.time_left_ms - LEAST_MS_AFTER_WAIT
    visits = 0 if hop.has_priority else hop.message.visit
    wanted = WAIT_DELAYS_S[min(visits, len(WAIT_DELAYS_S) - 1)]
    fitting = [delay for delay in WAIT_DELAYS_S if delay <= wanted and delay * 1000 <= left]
    return Parked(delay_s=max(fitting)) if fitting else None


def _failure(step: TierExhausted, failures: Sequence[FailedCall], hop: Hop) -> Failure:
    classes = {failure.error_class for failure in failures}
    if classes == {"content_filter"}:
        return Failure(
            code="content_filtered", message="every model's filter refused it", retryable=False
        )
    if step.refused:
        return Failure(
            code="invalid_request",
            message=f"every called provider rejected the request{_named(failures, hop)}",
            retryable=False,
        )
    # An adapter fails again on the same request.
    retryable = classes != {"adapter_fault"}
    return Failure(code="all_models_failed", message=step.why, retryable=retryable)


def _named(failures: Sequence[FailedCall], hop: Hop) -> str:
    """Return the fields of the request that providers named. Only the caller's own names are
    repeated: the rest of a path is the provider's text.
    """
    tops = (_TOP.split(each.parameter, maxsplit=1)[0] for each in failures if each.parameter)
    known = sorted(set(tops) & hop.body.keys())
    return f"; named: {', '.join(known)}" if known else ""
