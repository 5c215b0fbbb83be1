"""Shared part of the HTTP adapters: client, host policy, clock, and cached addresses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from streams.providers.answer_stream import StreamedAnswer, VendorStream
from streams.providers.http.exchange import Exchange, HttpClient, HttpClientFactory
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.http.pooled_client import PooledHttpClient
from streams.providers.port import ChatCall, Endpoint, ErrorClass, ProviderError
from streams.providers.refusals.adapter_faults import faults_named
from streams.providers.refusals.classification import refusal

CALL_ID_HEADER = "X-Client-Request-Id"

_ADDRESSES = 4_096
_JSON = "application/json"
_OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL that may be called, and its host in lower case."""

    url: str
    host: str


class HttpAdapter:
    """Base of the adapters; one object serves every endpoint from one pool.

    `now_s` is Unix time in seconds; `client` makes the HTTP client, once, at the first call.
    """

    def __init__(
        self,
        keys: KeyRing,
        hosts: HostPolicy,
        *,
        client: HttpClientFactory = PooledHttpClient,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._hosts = hosts
        self._make_client = client
        self._now_s = now_s
        self._client: HttpClient | None = None
        self._addresses: dict[tuple[str, str], Address] = {}

    def address(self, base_url: str, path: str) -> Address:
        """Return `path` under `base_url`, checked against the host policy once.

        Raises:
            ProviderError: class AUTH; the host may not be called.
        """
        found = self._addresses.get((base_url, path))
        if found is None:
            if "?" in base_url or "#" in base_url:
                raise ProviderError(
                    ErrorClass.AUTH, "the endpoint's base_url has a query or a fragment"
                )
            try:
                url = httpx.URL(base_url.rstrip("/") + path)
            except httpx.InvalidURL:
                raise ProviderError(
                    ErrorClass.AUTH, "the endpoint's base_url is not an http(s) URL"
                ) from None
            self._hosts.check(url)
            found = Address(url=str(url), host=url.host)
            if len(self._addresses) >= _ADDRESSES:
                self._addresses.clear()
            self._addresses[base_url, path] = found
        return found

    async def exchange(
        self,
        call: ChatCall,
        endpoint: Endpoint,
        address: Address,
        headers: dict[str, str],
        body: bytes,
    ) -> Exchange:
        """POST and return a 2xx answer.

        Raises:
            ProviderError: the call failed, or was answered with another status.
        """
        client, sent = self._opened(call, endpoint, headers)
        exchange = await client.post(address.url, sent, body, call.timeouts)
        if exchange.status not in _OK:
            self._refuse(exchange)
        return exchange

    async def streamed(
        self,
        call: ChatCall,
        endpoint: Endpoint,
        address: Address,
        headers: dict[str, str],
        body: bytes,
        *,
        stream: VendorStream,
    ) -> dict[str, Any]:
        """POST, pass the deltas of a 2xx answer on as they arrive, and return its whole document.

        Raises:
            ProviderError: the call failed, was answered with another status, or its stream broke;
                with the call's usage if the final one was read.
        """
        assert call.on_delta is not None
        client, sent = self._opened(call, endpoint, headers)
        answer = StreamedAnswer(stream, call.on_delta)

        def take(piece: bytes) -> bool:
            with faults_named("reading the stream", sent=True, status=200):
                return answer.take(piece)

        try:
            exchange = await client.stream(address.url, sent, body, call.timeouts, take)
            if exchange.status not in _OK:
                self._refuse(exchange)
            with faults_named("reading the stream", sent=True, status=exchange.status):
                return answer.document()
        except ProviderError as error:
            if error.usage is None:
                error.usage = stream.final_usage()
            raise

    def _opened(
        self, call: ChatCall, endpoint: Endpoint, headers: dict[str, str]
    ) -> tuple[HttpClient, dict[str, str]]:
        """Return the client, and the headers of a call."""
        with faults_named("opening the connection pool", sent=False):
            if self._client is None:
                self._client = self._make_client()
            # No compression: answers are small, and decompression takes more time than it saves.
            sent = {
                "content-type": _JSON,
                "accept": _JSON,
                "accept-encoding": "identity",
                "user-agent": "sluice",
                CALL_ID_HEADER: call.call_id,
                **call.trace_headers,
                **headers,
                **endpoint.headers,
            }
        return self._client, sent

    def _refuse(self, exchange: Exchange) -> NoReturn:
        with faults_named("reading an error response", sent=True, status=exchange.status):
            raise refusal(exchange, self._now_s)

    async def close(self) -> None:
        """Close the pooled connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
