"""`VendorDialect` of OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.openai.answer import error_body
from streams.gateway.dialects.openai.dialect import ChatCompletions
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.dialects.responses.request import parse_response
from streams.gateway.dialects.responses.state import answered_response
from streams.gateway.dialects.responses.stream import ResponseEvents
from streams.gateway.errors import HttpError
from streams.gateway.limits import RateLimit

_CHAT = ChatCompletions()
_NAMES = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
"""Names of fields here by those of the contract, whose checks speak of the latter."""


class Responses:
    """See `VendorDialect`."""

    endpoint = "responses"

    def parse(self, body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
        """See `VendorDialect.parse`."""
        return parse_response(body, extra_names)

    def answer(self, answered: AnsweredRequest) -> Mapping[str, Any]:
        """See `VendorDialect.answer`."""
        return answered_response(answered)

    def stream(self, begun: BegunAnswer) -> ResponseEvents:
        """See `VendorDialect.stream`."""
        return ResponseEvents(begun)

    def error(self, error: HttpError, request_id: str) -> Mapping[str, Any]:
        """See `VendorDialect.error`."""
        name, dot, rest = (error.param or "").partition(".")
        if name not in _NAMES:
            return error_body(error)
        body = error_body(error)
        message = error.message
        if message.startswith(name):
            message = _NAMES[name] + message.removeprefix(name)
        body["error"] |= {"param": f"{_NAMES[name]}{dot}{rest}", "message": message}
        return body

    def headers(self, request_id: str) -> Mapping[str, str]:
        """See `VendorDialect.headers`."""
        return _CHAT.headers(request_id)

    def limit_headers(self, limit: RateLimit, now_s: float) -> Mapping[str, str]:
        """See `VendorDialect.limit_headers`."""
        return _CHAT.limit_headers(limit, now_s)

    def status(self, error: HttpError) -> int:
        """See `VendorDialect.status`."""
        return error.status
