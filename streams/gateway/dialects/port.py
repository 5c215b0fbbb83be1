"""Port of a dialect: one vendor's endpoint, its answers, streams and errors. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from schemas.records import Reply
from streams.client.answer_parts import AnswerPart
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.errors import HttpError
from streams.gateway.limits import RateLimit


class AnswerStream(Protocol):
    """The events of one streamed answer."""

    def begin(self) -> Iterator[bytes]:
        """Yield the events that need neither a part nor the reply."""
        ...

    def part(self, part: AnswerPart) -> Iterator[bytes]:
        """Yield the events of a part."""
        ...

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Yield the rest of the answer and the end of the stream.

        Raises:
            AnswerChangedError: what was sent is not the beginning of this answer.
        """
        ...

    def fail(self, error: HttpError) -> Iterator[bytes]:
        """Yield the end of a stream that can't be completed."""
        ...

    def keep_alive(self) -> bytes:
        """Return an event that clients ignore."""
        ...


class VendorDialect(Protocol):
    """One vendor's format."""

    endpoint: str

    def parse(self, body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
        """Return a request body as a request of the contract.

        Raises:
            HttpError: 400; a field is missing, refused, or unknown.
        """
        ...

    def answer(self, answered: AnsweredRequest) -> Mapping[str, Any]:
        """Return the body of an answer."""
        ...

    def stream(self, begun: BegunAnswer) -> AnswerStream:
        """Return the stream of an answer."""
        ...

    def error(self, error: HttpError, request_id: str) -> Mapping[str, Any]:
        """Return the body of an error."""
        ...

    def headers(self, request_id: str) -> Mapping[str, str]:
        """Return the headers that the vendor's answers and errors carry."""
        ...

    def limit_headers(self, limit: RateLimit, now_s: float) -> Mapping[str, str]:
        """Return the headers for a key's rate limit; `now_s` is Unix time in seconds."""
        ...

    def status(self, error: HttpError) -> int:
        """Return the vendor's status for an error."""
        ...
