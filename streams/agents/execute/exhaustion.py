"""Outcome of a hop whose tier cannot answer, or whose time is over.

In this order: the next tier, the best answer so far, a wait, an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.clock import Clock
from schemas.journal_headers import JournalKind
from schemas.records import ANSWER, Answer, Failure
from streams.agents.calls.budget_admission import over_budget
from streams.agents.calls.capacity import need_of, wait_of
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, GaveUp, MovedOn, Parked, Replied
from streams.providers.port import ErrorClass
from streams.routing.budgets import Downgrade, Rejected
from streams.routing.cascade import CascadeState, best_answer, next_tier
from streams.routing.selection.candidates import Shortlist, no_model_fits
from streams.routing.selection.fallback import CONTEXT_LENGTH, TRANSIENT, FailedCall, TierExhausted


def out_of_time(hop: HopState) -> Ending:
    """Past the deadline: return the best answer so far, else expire the request."""
    best = best_answer(answers_of(hop))
    if best is not None:
        return Replied(answer=best, fell_back=True)
    failure = Failure(
        code="deadline_exceeded",
        message="no model answered before the deadline",
        retryable=True,
    )
    return GaveUp(kind=JournalKind.EXPIRED, failure=failure)


def no_candidates(hop: HopState, choice: Shortlist, state: CascadeState, clock: Clock) -> Ending:
    """No candidate may be called: wait if only capacity is missing, else use another tier."""
    if hop.denied is not None and not choice.lacks_capacity:
        return _denied(hop, hop.denied, state)
    if choice.lacks_capacity:
        return _wait(hop, clock) or no_capacity()
    why = "no healthy instance in the tier" if choice.lacks_health else "no model of the tier fits"
    return exhausted(hop, TierExhausted(why=why, passes=choice.lacks_health), (), state, clock)


def _denied(hop: HopState, denied: Downgrade | Rejected, state: CascadeState) -> Ending:
    """Budgets leave no candidate: use another tier if only a model is used up, else the best
    answer.
    """
    following = next_tier(state, hop.snapshot)
    if denied.spares_other_models and following is not None:
        return MovedOn(tier=following, why=denied.why)
    best = best_answer(answers_of(hop))
    return over_budget(hop, denied) if best is None else Replied(answer=best, fell_back=True)


def exhausted(
    hop: HopState,
    step: TierExhausted,
    failures: Sequence[FailedCall],
    state: CascadeState,
    clock: Clock,
) -> Ending:
    """No candidate of the tier can answer: the next tier, the best answer, a wait, or a failure."""
    following = None if step.refused else next_tier(state, hop.snapshot)
    if following is not None:
        return MovedOn(tier=following, why=step.why)
    best = best_answer(answers_of(hop))
    if best is not None:
        return Replied(answer=best, fell_back=True)
    if not step.refused and _fits_nobody(hop, clock):
        return GaveUp(kind=JournalKind.FAILED, failure=_FITS_NOBODY)
    if _answer_statuses(hop) and _answer_statuses(hop) <= _REFUSALS:
        step = replace(step, refused=True)
    if hop.snapshot.policy.fallback.wait and _may_pass(hop, step, failures):
        return _wait(hop, clock) or GaveUp(
            kind=JournalKind.FAILED, failure=_failure(step, failures)
        )
    return GaveUp(kind=JournalKind.FAILED, failure=_failure(step, failures))


def answers_of(hop: HopState) -> list[Answer]:
    """Return every answer so far, the best of earlier hops first."""
    before = [hop.message.best] if hop.message.best is not None else []
    return [*before, *hop.answers]


def no_capacity() -> GaveUp:
    """The deadline comes before capacity."""
    failure = Failure(
        code="no_capacity",
        message="no model had capacity before the deadline; send it again later, or with more time",
        retryable=True,
    )
    return GaveUp(kind=JournalKind.EXPIRED, failure=failure)


def _may_pass(hop: HopState, step: TierExhausted, failures: Sequence[FailedCall]) -> bool:
    """Return whether the cause may pass: no failure is permanent, on any tier."""
    if step.refused:
        return False
    classes = {failure.error_class for failure in failures}
    return (bool(classes) or step.passes) and classes <= TRANSIENT


def _wait(hop: HopState, clock: Clock) -> Ending | None:
    delay_s = wait_of(hop, clock)
    best = best_answer(answers_of(hop))
    if best is not None:
        return Replied(answer=best, fell_back=True)
    return None if delay_s is None else Parked(delay_s=delay_s)


def _fits_nobody(hop: HopState, clock: Clock) -> bool:
    """Return whether the request is too large or demanding for every allowed model: by its
    estimate, or as all called providers reported.
    """
    if no_model_fits(need_of(hop, clock.now()), hop.snapshot):
        return True
    return _answer_statuses(hop) == {CONTEXT_LENGTH}


def _answer_statuses(hop: HopState) -> set[str]:
    """Return the statuses of the request's calls for an answer, on all hops."""
    return {each.status for each in hop.all_attempts if each.purpose == ANSWER}


_REFUSALS = {ErrorClass.BAD_REQUEST.value, ErrorClass.INVALID_REQUEST.value}
"""Statuses that recur when the same request is sent again."""


_FITS_NOBODY = Failure(
    code="all_models_failed",
    message="no model can serve this request: its tokens fit no context window, or no model has "
    "what it needs; shorten it, or ask for less",
    retryable=False,
)


def _failure(step: TierExhausted, failures: Sequence[FailedCall]) -> Failure:
    classes = {failure.error_class for failure in failures}
    if classes == {"content_filter"}:
        return Failure(
            code="content_filtered", message="every model's filter refused it", retryable=False
        )
    if step.refused:
        return Failure(
            code="invalid_request",
            message="the providers that were asked refused the request",
            retryable=False,
        )
    # An adapter fails again on the same request.
    retryable = classes != {"adapter_fault"}
    return Failure(code="all_models_failed", message=step.why, retryable=retryable)
