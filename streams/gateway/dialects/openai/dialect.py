"""`VendorDialect` of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.openai.answer import chat_completion, error_body
from streams.gateway.dialects.openai.request import parse_chat
from streams.gateway.dialects.openai.stream import ChatChunks
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.errors import HttpError
from streams.gateway.limits import RateLimit


class ChatCompletions:
    """See `VendorDialect`."""

    endpoint = "chat_completions"

    def parse(self, body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
        """See `VendorDialect.parse`."""
        return parse_chat(body, extra_names)

    def answer(self, answered: AnsweredRequest) -> Mapping[str, Any]:
        """See `VendorDialect.answer`."""
        return chat_completion(answered)

    def stream(self, begun: BegunAnswer) -> ChatChunks:
        """See `VendorDialect.stream`."""
        return ChatChunks(begun)

    def error(self, error: HttpError, request_id: str) -> Mapping[str, Any]:
        """See `VendorDialect.error`."""
        return error_body(error)

    def headers(self, request_id: str) -> Mapping[str, str]:
        """See `VendorDialect.headers`."""
        return {"x-request-id": request_id}

    def limit_headers(self, limit: RateLimit, now_s: float) -> Mapping[str, str]:
        """See `VendorDialect.limit_headers`."""
        return {
            "x-ratelimit-limit-requests": str(limit.limit),
            "x-ratelimit-remaining-requests": str(limit.remaining),
            "x-ratelimit-reset-requests": f"{limit.reset_s:.1f}s",
        }

    def status(self, error: HttpError) -> int:
        """See `VendorDialect.status`."""
        return error.status
