"""One HTTP exchange with a provider, with limits on every dimension.

It uses httpx's API on aiohttp's connections: a call takes a quarter to a fifth of the time of
httpx's own (design, section 9). The transport is called directly, without `AsyncClient`: redirects,
cookies, auth flows and hooks must not happen here, and take half of the time.

Invariants: no redirect is followed; a name that resolves to a link-local address is not called;
connect, read and total time are limited; an oversized body is rejected while it is read, and one
that expands beyond the limit while it is decompressed; each failure is a `ProviderError`, and none
quotes a body, a prompt or a key.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from httpx_aiohttp import AiohttpTransport

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.operator_policy import is_link_local, is_this_machine
from streams.providers.port import ErrorClass, ProviderError, Timeouts

MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""Maximum size of a sent body: a request is at most 4 MiB, and conversion adds to it."""

_LONGEST_LENGTH = 18
"""Maximum number of digits of an announced content length."""

_PLAIN = frozenset({"", "identity"})
_UNPACKED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Compressions that are decoded though not requested, and zlib's `wbits` for each."""

_CONNECTIONS = 1024
_KEEPALIVE_S = 15.0

TransportFactory = Callable[[], httpx.AsyncBaseTransport]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Response: HTTP status, headers and the whole body."""

    status: int
    headers: httpx.Headers
    body: bytes


class _Resolver(aiohttp.ThreadedResolver):
    """Drops link-local addresses, so no name leads to a metadata service; without `loopback`, also
    those of this machine under a foreign name.
    """

    def __init__(self, *, loopback: bool) -> None:
        super().__init__()
        self._loopback = loopback

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)  # type: ignore[arg-type]
        here = self._loopback or is_this_machine(host.lower().rstrip("."))
        kept = [
            entry
            for entry in found
            if not is_link_local(entry["host"]) and (here or not is_this_machine(entry["host"]))
        ]
        if not kept:
            raise OSError(f"{host} has no permitted address")
        return kept


def pooled_transport(*, loopback: bool = True) -> httpx.AsyncBaseTransport:
    """Return a transport with its own connection pool, opened at the first call. Without `loopback`
    no foreign name leads to this machine.
    """
    context = httpx.create_ssl_context()
    return AiohttpTransport(
        verify=context, client=lambda: _session(context, _Resolver(loopback=loopback))
    )


def _session(context: ssl.SSLContext, resolver: _Resolver) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        keepalive_timeout=_KEEPALIVE_S,
        ssl=context,
        resolver=resolver,
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


async def post(
    transport: httpx.AsyncBaseTransport,
    url: httpx.URL,
    headers: dict[str, str],
    body: bytes,
    timeouts: Timeouts,
) -> Exchange:
    """POST once and read the whole answer, for any status.

    Raises:
        ProviderError: TIMEOUT, CONNECTION, BAD_REQUEST for a body above `MAX_REQUEST_BYTES`, or
            BAD_RESPONSE for an answer above `MAX_ANSWER_BYTES`, a truncated one or a redirect.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise ProviderError(
            ErrorClass.BAD_REQUEST,
            f"the request is larger than {MAX_REQUEST_BYTES} bytes",
            sent=False,
        )
    limits = {"connect": timeouts.connect, "read": timeouts.read}
    request = httpx.Request(
        "POST", url, headers=headers, content=body, extensions={"timeout": limits}
    )
    try:
        async with asyncio.timeout(timeouts.total):
            response = await transport.handle_async_request(request)
            try:
                return await _read(response)
            finally:
                await response.aclose()
    except (TimeoutError, httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        raise _failure(error) from None


async def _read(response: httpx.Response) -> Exchange:
    status = response.status_code
    if response.has_redirect_location:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE,
            "the provider sent a redirect, which is not followed",
            status=status,
        )
    announced = response.headers.get("content-length", "0")
    if announced.isdecimal() and (
        len(announced) > _LONGEST_LENGTH or int(announced) > MAX_ANSWER_BYTES
    ):
        raise _too_large(status)
    packing = response.headers.get("content-encoding", "").strip().lower()
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.stream:  # type: ignore[union-attr]
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise _too_large(status)
            chunks.append(chunk)
    except httpx.ReadError:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE, "the answer was cut off", status=status
        ) from None
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if packing not in _PLAIN:
        body = _unpacked(body, packing, status)
    return Exchange(status, response.headers, body)


def _unpacked(body: bytes, packing: str, status: int) -> bytes:
    """Decompress an answer with an unrequested compression, if it is a single common one."""
    kind = _UNPACKED.get(packing)
    if kind is None:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE,
            "the answer has an unsupported compression",
            status=status,
        )
    unpacking = zlib.decompressobj(kind)
    try:
        plain = unpacking.decompress(body, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        plain = b""
    if len(plain) > MAX_ANSWER_BYTES:
        raise _too_large(status)
    if not unpacking.eof:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE, "the answer's compressed data is invalid", status=status
        )
    return plain


def _too_large(status: int) -> ProviderError:
    return ProviderError(
        ErrorClass.BAD_RESPONSE,
        f"the answer is larger than {MAX_ANSWER_BYTES} bytes",
        status=status,
    )


def _failure(error: BaseException) -> ProviderError:
    # httpx_aiohttp reports a lost connection as ConnectTimeout; its cause has the real error.
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) else error
    origin = cause or error
    if isinstance(origin, TimeoutError | httpx.TimeoutException):
        return ProviderError(ErrorClass.TIMEOUT, "the provider did not answer in time")
    if isinstance(origin, aiohttp.ClientResponseError):
        return ProviderError(ErrorClass.BAD_RESPONSE, "the provider's answer is not HTTP")
    return ProviderError(
        ErrorClass.CONNECTION,
        f"the connection failed with {type(origin).__name__}",
        # Without a connection no request was sent.
        sent=not isinstance(origin, aiohttp.ClientConnectorError),
    )
