"""Next step after a failed call, by its error class (design, section 6).

Retry once if the same instance may answer, then another instance, then another model of the tier.
When the tier is exhausted, the hop ends, and the next tier or the best answer so far applies. This
is the only place that retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.routing.policy import FallbackPolicy
from streams.routing.selection.candidates import Candidate

_RETRIED = frozenset(
    {"timeout", "connection", "rate_limited", "server", "overloaded", "bad_response"}
)
TRANSIENT = _RETRIED
"""Error classes that pass by themselves; others need intervention."""

_OTHER_INSTANCE = _RETRIED | {"auth"}
CONTEXT_LENGTH = "context_length"
_OTHER_MODEL = _OTHER_INSTANCE | {
    CONTEXT_LENGTH,
    "content_filter",
    "adapter_fault",
    "bad_request",
}
_FINAL = frozenset({"invalid_request"})
"""The request itself is invalid: no other instance is called."""

MAX_REFUSALS = 2
"""Refusals without a known reason (`bad_request`) after which the request counts as invalid. The
first may be the model's own limit, so one other model is tried.
"""

MAX_HONOURED_WAIT_MS = 1_000.0
"""Longest `Retry-After` to wait for within a hop; for a longer one, call another instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """A failed call of this hop. `unsupported` is the parameter that the model refused, if it named
    one; it is then dropped for the model. `parameter` is the field of the request that it named.
    """

    candidate: Candidate
    error_class: str
    retry_after_ms: float | None = None
    unsupported: str | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStep:
    """Make another call, after a pause in ms."""

    candidate: Candidate
    pause_ms: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExhausted:
    """This tier can't answer. `refused` means that no other tier should be called either, `passes`
    that the cause passes by itself.
    """

    why: str
    refused: bool = False
    passes: bool = False


def after_failure(
    failures: Sequence[FailedCall],
    candidates: Sequence[Candidate],
    policy: FallbackPolicy,
    *,
    time_left_ms: float,
    jitter: float,
    may_retry: bool = True,
    refusals_before: int = 0,
) -> RetryStep | TierExhausted:
    """Return the next step after the last of `failures`; `candidates` are those with capacity now.

    `jitter` is a draw in [0, 1): the pause is that share of the backoff (full jitter). Without
    `may_retry` the worker's retry budget is used up, and the tier counts as exhausted.
    `refusals_before` counts the `bad_request` calls of earlier hops.
    """
    last = failures[-1]
    ended = _ends(failures, policy, refusals_before, may_retry=may_retry)
    without = _without_parameter(failures, candidates, policy)
    if without is not None:
        return without
    if ended is not None:
        return ended
    has_room = last.candidate in candidates
    if has_room and (pause := _retry_pause(failures, policy, time_left_ms, jitter)):
        return RetryStep(
            candidate=last.candidate, pause_ms=pause, why=f"retry after {last.error_class}"
        )
    return _somebody_else(failures, candidates)


def _ends(
    failures: Sequence[FailedCall],
    policy: FallbackPolicy,
    refusals_before: int,
    *,
    may_retry: bool,
) -> TierExhausted | None:
    """Return why no further call is made on the tier, or `None`."""
    last = failures[-1]
    if last.error_class in _FINAL:
        return TierExhausted(why="the provider refused the request itself", refused=True)
    refusals = sum(_is_plain_refusal(each) for each in failures) + refusals_before
    if _is_plain_refusal(last) and refusals >= MAX_REFUSALS:
        return TierExhausted(why=f"{refusals} models refused the request", refused=True)
    if len(failures) >= policy.max_calls_per_hop:
        return TierExhausted(why=f"{len(failures)} calls failed")
    if not may_retry:
        return TierExhausted(why="the budget for retries is used up", passes=True)
    return None


def _somebody_else(
    failures: Sequence[FailedCall], candidates: Sequence[Candidate]
) -> RetryStep | TierExhausted:
    last = failures[-1]
    tried = {(f.candidate.model.name, f.candidate.instance.name) for f in failures}
    barred = {f.candidate.model.name for f in failures if f.error_class not in _OTHER_INSTANCE}
    if last.error_class == CONTEXT_LENGTH:
        # A stable sort: the largest window first, otherwise in the previous order.
        candidates = sorted(candidates, key=lambda each: -each.model.context_window)
    for candidate in candidates:
        model = candidate.model.name
        if (model, candidate.instance.name) in tried or model in barred:
            continue
        if model != last.candidate.model.name and last.error_class not in _OTHER_MODEL:
            continue
        kind = "instance" if model == last.candidate.model.name else "model"
        return RetryStep(
            candidate=candidate, pause_ms=0.0, why=f"another {kind} after {last.error_class}"
        )
    return TierExhausted(why=f"no other candidate after {last.error_class}")


def _is_plain_refusal(failure: FailedCall) -> bool:
    return failure.error_class == "bad_request" and failure.unsupported is None


def _without_parameter(
    failures: Sequence[FailedCall], candidates: Sequence[Candidate], policy: FallbackPolicy
) -> RetryStep | None:
    """Repeat the call without the parameter that its model refused, once for each parameter."""
    last = failures[-1]
    if last.unsupported is None or len(failures) >= policy.max_calls_per_hop:
        return None
    known = {
        each.unsupported
        for each in failures[:-1]
        if each.candidate.model.name == last.candidate.model.name
    }
    if last.unsupported in known or last.candidate not in candidates:
        return None
    return RetryStep(
        candidate=last.candidate, pause_ms=0.0, why=f"again without {last.unsupported}"
    )


def _retry_pause(
    failures: Sequence[FailedCall], policy: FallbackPolicy, time_left_ms: float, jitter: float
) -> float | None:
    """Return the pause in ms before a retry of the same instance, or `None` for no retry."""
    last = failures[-1]
    if last.error_class not in _RETRIED:
        return None
    same = sum(1 for failure in failures if failure.candidate == last.candidate)
    if same > policy.retries:
        return None
    if last.retry_after_ms is not None:
        wait = last.retry_after_ms
        return max(wait, 1.0) if wait <= min(MAX_HONOURED_WAIT_MS, time_left_ms / 2) else None
    backoff = min(policy.backoff_ms * 2 ** (same - 1), policy.max_backoff_ms)
    pause = backoff * jitter
    return max(pause, 1.0) if pause < time_left_ms / 2 else None
