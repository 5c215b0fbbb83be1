"""Requests of a client: a question or a body, and the fields of Sluice's own beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from schemas.request import DEFAULT_DEADLINE_MS

GRACE_S = 30.0
"""Time to wait for a reply after the request's own deadline, seconds: the reply to an expired
request comes after it.
"""


class RequestFields(TypedDict, total=False):
    """Fields of a request, as in `docs/callers.md`. Any other one stands in the request itself."""

    request_id: str
    model: str
    tier: str
    quality: Literal["economy", "balanced", "best"]
    deadline_ms: int
    feature: str
    tenant: str
    user_id: str
    user_tier: str
    session_id: str
    metadata: Mapping[str, str]
    tools: Sequence[Mapping[str, Any]]
    response_format: Mapping[str, Any]
    temperature: float
    max_completion_tokens: int


def request_document(request: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a request as a document: a text is a question."""
    return {"prompt": request} if isinstance(request, str) else request


def wait_s_of(document: Mapping[str, Any]) -> float:
    """Return how long a client waits for the reply to a request, seconds. A deadline that is no
    number is left to the worker, which rejects it.
    """
    deadline_ms = document.get("deadline_ms", DEFAULT_DEADLINE_MS)
    is_number = isinstance(deadline_ms, int | float) and deadline_ms > 0
    return (deadline_ms if is_number else DEFAULT_DEADLINE_MS) / 1000 + GRACE_S
