"""One HTTP exchange with a provider: the port of HTTP clients, and its limits on size."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.port import ErrorClass, ProviderError, Timeouts

MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""Maximum size of a sent body: a request is at most 4 MiB, and conversion adds to it."""

_LONGEST_LENGTH = 18
"""Maximum number of digits of an announced content length."""

_REFUSED = 400
"""Statuses from here on are errors."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PLAIN = frozenset({"", "identity"})
_UNPACKED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Compressions that are decoded though not requested, and zlib's `wbits` for each."""


ChunkSink = Callable[[bytes], bool]
"""Takes the next piece of a body; returns whether more of it is needed."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Response: HTTP status, headers (their names in any case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Makes exchanges over pooled connections. Each failure is a `ProviderError`, and none quotes
    a body, a prompt or a key.
    """

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Exchange:
        """POST once and read the whole answer, for any status.

        Raises:
            ProviderError: TIMEOUT, CONNECTION, BAD_REQUEST for a body above `MAX_REQUEST_BYTES`, or
                BAD_RESPONSE for an answer above `MAX_ANSWER_BYTES`, a truncated one or a redirect.
        """
        ...

    async def stream(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        take: ChunkSink,
    ) -> Exchange:
        """POST once and pass the body of a 2xx answer to `take` as it arrives, decompressed, until
        `take` needs no more; the exchange's body is then empty. An answer with another status is
        read as by `post`. `timeouts.read` limits the wait for each piece, `timeouts.total` the
        whole exchange. The size of a 2xx body is the business of `take`.

        Raises:
            ProviderError: as `post`, and what `take` raises.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


HttpClientFactory = Callable[[], HttpClient]


def check_request(body: bytes) -> None:
    """Reject a body that is too large to send.

    Raises:
        ProviderError: BAD_REQUEST.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise ProviderError(
            ErrorClass.BAD_REQUEST,
            f"the request is larger than {MAX_REQUEST_BYTES} bytes",
            sent=False,
        )


def check_head(status: int, headers: Mapping[str, str]) -> None:
    """Reject a redirect, and an answer that announces too large a body.

    Raises:
        ProviderError: BAD_RESPONSE.
    """
    if status in _REDIRECTS and "location" in headers:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE,
            "the provider sent a redirect, which is not followed",
            status=status,
        )
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and (
        len(announced) > _LONGEST_LENGTH or int(announced) > MAX_ANSWER_BYTES
    ):
        raise too_large(status)


def plain_body(body: bytes, status: int, headers: Mapping[str, str]) -> bytes:
    """Decompress an answer with an unrequested compression, if it is a single common one. The body
    of an error that can't be decompressed is empty: its status and headers say what to do.

    Raises:
        ProviderError: BAD_RESPONSE; the compression is not supported, its data is invalid, or the
            decompressed body is too large.
    """
    if not body:
        return body
    try:
        window = zlib_window(status, headers)
        return body if window is None else _unpacked(body, window, status)
    except ProviderError:
        if status >= _REFUSED:
            return b""
        raise


def zlib_window(status: int, headers: Mapping[str, str]) -> int | None:
    """Return zlib's `wbits` for an answer's compression; `None` for an answer without one.

    Raises:
        ProviderError: BAD_RESPONSE; the compression is not supported.
    """
    packing = headers.get("content-encoding", "").strip().lower()
    if packing in _PLAIN:
        return None
    if packing not in _UNPACKED:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE,
            "the answer has an unsupported compression",
            status=status,
        )
    return _UNPACKED[packing]


def _unpacked(body: bytes, window: int, status: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        plain = unpacking.decompress(body, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        plain = b""
    if len(plain) > MAX_ANSWER_BYTES:
        raise too_large(status)
    # Data after the end is a second member, of which nothing may be lost.
    if not unpacking.eof or unpacking.unused_data:
        raise invalid_compression(status)
    return plain


def invalid_compression(status: int) -> ProviderError:
    """Return the error of an answer whose compressed data can't be read."""
    return ProviderError(
        ErrorClass.BAD_RESPONSE, "the answer's compressed data is invalid", status=status
    )


def cut_off(status: int) -> ProviderError:
    """Return the error of an answer that ended early."""
    return ProviderError(ErrorClass.BAD_RESPONSE, "the answer was cut off", status=status)


def too_large(status: int) -> ProviderError:
    """Return the error of an answer above `MAX_ANSWER_BYTES`."""
    return ProviderError(
        ErrorClass.BAD_RESPONSE,
        f"the answer is larger than {MAX_ANSWER_BYTES} bytes",
        status=status,
    )
