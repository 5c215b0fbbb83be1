"""Failures of provider calls in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from infra.explain.recorded import RecordedHop
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
