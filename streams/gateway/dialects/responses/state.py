"""Response objects of requests that run, or ended, in the background. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.journal_headers import JournalKind
from schemas.records import CANCELLED as CANCELLED_CODE
from schemas.records import Reply
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.responses.answer import (
    CANCELLED,
    IN_PROGRESS,
    QUEUED,
    empty_response,
    failed_response,
    finished_response,
    output_items,
)
from streams.gateway.errors import GatewayCode, HttpError, of_failure


def response_of(begun: BegunAnswer, reply: Reply | None, *, is_begun: bool) -> Mapping[str, Any]:
    """Return the response as it is now; `is_begun`: a part of its answer arrived."""
    if reply is None:
        waits = begun.parsed.background and not is_begun
        return empty_response(begun, QUEUED if waits else IN_PROGRESS)
    if reply.status == JournalKind.REPLIED:
        return answered_response(AnsweredRequest(reply=reply, begun=begun))
    return ended_response(begun, failure_of(reply))


def answered_response(answered: AnsweredRequest) -> Mapping[str, Any]:
    """Return the response of an answered request."""
    begun = answered.begun
    found = finished_response(begun, answered.reply, (), answered.ended)
    return {**found, "output": output_items(begun.request_id, answered.message, found["status"])}


def ended_response(begun: BegunAnswer, error: HttpError, **sent: Any) -> dict[str, Any]:
    """Return the response of a request that failed or was cancelled, with the items that were
    `sent` before.
    """
    failed = failed_response(begun, error, **sent)
    if error.code != CANCELLED_CODE:
        return failed
    return {**failed, "status": CANCELLED, "error": None}


def failure_of(reply: Reply) -> HttpError:
    """Return the error of a reply without an answer."""
    if reply.error is None:
        return HttpError(500, GatewayCode.INTERNAL, "the request failed")
    return of_failure(reply.error)
