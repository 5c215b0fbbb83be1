"""HTTP client on aiohttp's connection pool, with limits on every dimension.

aiohttp is called directly: the interface of httpx on the same connections costs as much CPU again.

Invariants: no redirect is followed; a name that resolves to a link-local address is not called;
connect, read and total time are limited; an oversized body is rejected while it is read, and one
that expands beyond the limit while it is decompressed. A stream is passed on in small pieces, and
other calls run between them, however fast they arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.abc import ResolveResult

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
from streams.providers.http.operator_policy import is_link_local, is_this_machine
from streams.providers.http.stream_decompression import PIECE_BYTES, StreamDecompressor
from streams.providers.port import ErrorClass, ProviderError, Timeouts

_CONNECTIONS = 1024
_KEEPALIVE_S = 15.0
_OK = range(200, 300)
_END_S = 0.05
"""How long the end of a body is awaited after its last event, so that its connection can be used
again.
"""


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


class PooledHttpClient:
    """An `HttpClient` whose pool opens at the first call. Without `loopback` no foreign name leads
    to this machine.
    """

    def __init__(self, *, loopback: bool = True) -> None:
        self._loopback = loopback
        # Certificates are read here, not in the first call: they take 20 ms.
        self._tls = httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Exchange:
        """See `HttpClient.post`."""
        try:
            async with (
                asyncio.timeout(timeouts.total),
                self._request(url, headers, body, timeouts) as response,
            ):
                return await _read(response)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _failure(error) from None

    async def stream(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        take: ChunkSink,
    ) -> Exchange:
        """See `HttpClient.stream`."""
        try:
            async with (
                asyncio.timeout(timeouts.total) as limit,
                self._request(url, headers, body, timeouts) as response,
            ):
                if response.status not in _OK:
                    return await _read(response)
                if not await _pass_on(response, take):
                    # The answer is complete: no limit may spoil it now.
                    limit.reschedule(None)
                    await _await_end(response)
                return Exchange(response.status, response.headers, b"")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _failure(error) from None

    def _request(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        check_request(body)
        session = self._session
        if session is None:
            session = self._session = self._opened()
        return session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=_socket_limits(timeouts.connect, timeouts.read),
        )

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS,
            keepalive_timeout=_KEEPALIVE_S,
            ssl=self._tls,
            resolver=_Resolver(loopback=self._loopback),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )


@lru_cache(maxsize=64)
def _socket_limits(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)


async def _read(response: aiohttp.ClientResponse) -> Exchange:
    status, headers = response.status, response.headers
    check_head(status, headers)
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := await response.content.readany():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise too_large(status)
            chunks.append(chunk)
    except aiohttp.ClientPayloadError:
        raise cut_off(status) from None
    return Exchange(status, headers, plain_body(b"".join(chunks), status, headers))


async def _pass_on(response: aiohttp.ClientResponse, take: ChunkSink) -> bool:
    """Pass a body on; return whether its end was reached."""
    decompressor = StreamDecompressor(response.status, response.headers)
    read = response.content.read
    try:
        while piece := await read(PIECE_BYTES):
            for plain in decompressor.feed(piece):
                if not take(plain):
                    return False
                if len(plain) == PIECE_BYTES:
                    await asyncio.sleep(0)
    except aiohttp.ClientPayloadError:
        raise cut_off(response.status) from None
    decompressor.finish()
    return True


async def _await_end(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(_END_S):
            async for _ in response.content.iter_any():
                await asyncio.sleep(0)
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()


def _failure(error: BaseException) -> ProviderError:
    if isinstance(error, TimeoutError):
        return ProviderError(ErrorClass.TIMEOUT, "the provider did not answer in time")
    if isinstance(error, aiohttp.ClientResponseError):
        return ProviderError(ErrorClass.BAD_RESPONSE, "the provider's answer is not HTTP")
    return ProviderError(
        ErrorClass.CONNECTION,
        f"the connection failed with {type(error).__name__}",
        # Without a connection no request was sent.
        sent=not isinstance(error, aiohttp.ClientConnectorError),
    )
