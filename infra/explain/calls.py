"""Failures of provider calls in words, and their cost, each call counted once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from infra.explain.recorded import RecordedHop
from sinks.analytics.one_request import Row
from streams.routing.decision_trace import FailureStep

_CLASSES = {
    "timeout": "no complete answer in time",
    "connection": "the endpoint could not be reached, or the connection broke",
    "rate_limited": "the provider's rate limit is exhausted",
    "server": "the provider failed",
    "overloaded": "the provider is overloaded",
    "context_length": "the request is too long for the model",
    "content_filter": "the provider's content filter rejected it",
    "auth": "the key, the account, the model's name or the host was rejected",
    "bad_request": "the provider rejected the request without a reason",
    "invalid_request": "the provider rejected the request as invalid",
    "adapter_fault": "the provider adapter failed; its error is in the worker's log",
    "bad_response": "the answer was unreadable",
    "interrupted": "its worker ended during the call",
}


def causes_of(hops: Iterable[RecordedHop]) -> dict[str, str]:
    """Return the recorded error of each failed call, by call id."""
    return {
        step.known.call: step.known.error
        for hop in hops
        for step in hop.steps
        if isinstance(step.known, FailureStep) and step.known.error
    }


def failure_in_words(status: str, http_status: int | None, cause: str | None) -> str:
    """Return the recorded cause, else the meaning of its class, with the HTTP status, if any."""
    words = cause or _CLASSES.get(status, status)
    return words if http_status is None or str(http_status) in words else (
        f"HTTP {http_status}: {words}"
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """USD of the calls of known cost (`None` without any), by purpose, and the number of unknown
    ones.
    """

    known: Decimal | None
    by_purpose: Mapping[str, Decimal]
    unknown: int


def calls_cost(calls: Iterable[Row]) -> Money:
    """Return the cost of these rows; a call recorded as interrupted counts by its real row."""
    costs: dict[str, tuple[str, Decimal | None]] = {}
    for row in calls:
        _, known = costs.get(row["call_id"], ("", None))
        costs[row["call_id"]] = (row["purpose"], row["cost"] if known is None else known)
    by_purpose: dict[str, Decimal] = {}
    for purpose, cost in costs.values():
        if cost is not None:
            by_purpose[purpose] = by_purpose.get(purpose, Decimal(0)) + cost
    return Money(
        known=sum(by_purpose.values(), Decimal(0)) if by_purpose else None,
        by_purpose=by_purpose,
        unknown=sum(cost is None for _, cost in costs.values()),
    )
