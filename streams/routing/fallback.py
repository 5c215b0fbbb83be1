"""What follows a failed call, by its error class (design, section 6).

Retry once where the same instance may answer, then another instance, then another model of the
tier; when the tier has nobody left, the hop ends and the next tier, or the best answer seen,
decides. This is the one place that retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.routing.candidates import Candidate
from streams.routing.policy import FallbackPolicy

_RETRIED = frozenset(
    {"timeout", "connection", "rate_limited", "server", "overloaded", "bad_response"}
)
TRANSIENT = _RETRIED
"""Classes of errors that are over after a while; the others stay until somebody acts."""

_OTHER_INSTANCE = _RETRIED | {"auth"}
_OTHER_MODEL = _OTHER_INSTANCE | {"context_length", "content_filter"}

MAX_HONOURED_WAIT_MS = 1_000.0
"""Longest `Retry-After` that is waited out within a hop; a longer one means: ask somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCall:
    """A call of this hop that failed."""

    candidate: Candidate
    error_class: str
    retry_after_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Make another call, after a pause in ms."""

    candidate: Candidate
    pause_ms: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierExhausted:
    """This tier can't answer; `refused` says that no other tier should be asked either, `passes`
    that it is over after a while.
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
) -> Again | TierExhausted:
    """The next step after the last of `failures`; `candidates` are those that have room now.

    `jitter` is a draw in [0, 1): the pause is that share of the backoff (full jitter). Without
    `may_retry` the worker's budget for retries is used up, and the tier counts as exhausted.
    """
    last = failures[-1]
    if last.error_class == "bad_request":
        return TierExhausted(why="the provider refused the request itself", refused=True)
    if len(failures) >= policy.max_calls_per_hop:
        return TierExhausted(why=f"{len(failures)} calls failed")
    if not may_retry:
        return TierExhausted(why="the budget for retries is used up", passes=True)
    has_room = last.candidate in candidates
    if has_room and (pause := _retry_pause(failures, policy, time_left_ms, jitter)):
        return Again(
            candidate=last.candidate, pause_ms=pause, why=f"retry after {last.error_class}"
        )
    tried = {(f.candidate.model.name, f.candidate.instance.name) for f in failures}
    barred = {f.candidate.model.name for f in failures if f.error_class not in _OTHER_INSTANCE}
    for candidate in candidates:
        model = candidate.model.name
        if (model, candidate.instance.name) in tried or model in barred:
            continue
        if model != last.candidate.model.name and last.error_class not in _OTHER_MODEL:
            continue
        kind = "instance" if model == last.candidate.model.name else "model"
        return Again(
            candidate=candidate, pause_ms=0.0, why=f"another {kind} after {last.error_class}"
        )
    return TierExhausted(why=f"no other candidate after {last.error_class}")


def _retry_pause(
    failures: Sequence[FailedCall], policy: FallbackPolicy, time_left_ms: float, jitter: float
) -> float | None:
    """Pause in ms before asking the same instance again, or `None` if it is not asked again."""
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
