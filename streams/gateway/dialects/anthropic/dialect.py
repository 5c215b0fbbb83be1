"""`VendorDialect` of Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.anthropic.answer import message_body
from streams.gateway.dialects.anthropic.errors import error_body, status_of
from streams.gateway.dialects.anthropic.request import parse_messages
from streams.gateway.dialects.anthropic.stream import MessageEvents
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.errors import HttpError
from streams.gateway.limits import RateLimit


class Messages:
    """See `VendorDialect`."""

    endpoint = "messages"

    def parse(self, body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
        """See `VendorDialect.parse`."""
        return parse_messages(body, extra_names)

    def answer(self, answered: AnsweredRequest) -> Mapping[str, Any]:
        """See `VendorDialect.answer`."""
        return message_body(answered)

    def stream(self, begun: BegunAnswer) -> MessageEvents:
        """See `VendorDialect.stream`."""
        return MessageEvents(begun)

    def error(self, error: HttpError, request_id: str) -> Mapping[str, Any]:
        """See `VendorDialect.error`."""
        return error_body(error, request_id)

    def headers(self, request_id: str) -> Mapping[str, str]:
        """See `VendorDialect.headers`."""
        return {"request-id": request_id} if request_id else {}

    def limit_headers(self, limit: RateLimit, now_s: float) -> Mapping[str, str]:
        """See `VendorDialect.limit_headers`."""
        full_at = datetime.fromtimestamp(now_s + limit.reset_s, UTC)
        return {
            "anthropic-ratelimit-requests-limit": str(limit.limit),
            "anthropic-ratelimit-requests-remaining": str(limit.remaining),
            "anthropic-ratelimit-requests-reset": full_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def status(self, error: HttpError) -> int:
        """See `VendorDialect.status`."""
        return status_of(error)
