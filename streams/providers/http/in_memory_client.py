"""In-memory HTTP client for tests: answers from a script, with the limits of the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.exchange import (
    ChunkSink,
    Exchange,
    check_head,
    check_request,
    cut_off,
    plain_body,
    too_large,
)
from streams.providers.http.stream_decompression import StreamDecompressor
from streams.providers.port import ErrorClass, ProviderError, Timeouts

_OK = range(200, 300)


class BodyEnd(Enum):
    """How a scripted body ends."""

    WHOLE = "whole"
    CUT = "cut"
    """The connection ends before the announced end."""
    SILENT = "silent"
    """Nothing follows, and the connection stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedResponse:
    """A response. The names of its headers are in lower case; its body arrives in these pieces."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    end: BodyEnd = BodyEnd.WHOLE


Respond = Callable[[str, Mapping[str, str], bytes], ScriptedResponse | ProviderError]
"""Returns the response to a URL, headers and body, or the error of the connection."""


class InMemoryHttpClient:
    """Answers from its script; errors that the script returns are raised. Waiting takes no time: a
    silent body is a time-out at once.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Exchange:
        """See `HttpClient.post`."""
        return _whole(self._response(url, headers, body))

    async def stream(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        take: ChunkSink,
    ) -> Exchange:
        """See `HttpClient.stream`."""
        response = self._response(url, headers, body)
        if response.status not in _OK:
            return _whole(response)
        decompressor = StreamDecompressor(response.status, response.headers)
        needed = all(take(plain) for piece in response.pieces for plain in decompressor.feed(piece))
        if needed:
            _check_end(response)
            decompressor.finish()
        return Exchange(response.status, response.headers, b"")

    async def close(self) -> None:
        """Do nothing."""

    def _response(self, url: str, headers: Mapping[str, str], body: bytes) -> ScriptedResponse:
        check_request(body)
        response = self._respond(url, headers, body)
        if isinstance(response, ProviderError):
            raise response
        return response


def _whole(response: ScriptedResponse) -> Exchange:
    status, headers = response.status, response.headers
    check_head(status, headers)
    if sum(map(len, response.pieces)) > MAX_ANSWER_BYTES:
        raise too_large(status)
    _check_end(response)
    return Exchange(status, headers, plain_body(b"".join(response.pieces), status, headers))


def _check_end(response: ScriptedResponse) -> None:
    if response.end is BodyEnd.CUT:
        raise cut_off(response.status)
    if response.end is BodyEnd.SILENT:
        raise ProviderError(ErrorClass.TIMEOUT, "the provider did not answer in time")
