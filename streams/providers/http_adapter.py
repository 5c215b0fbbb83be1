"""Shared part of the HTTP adapters: client, host policy, clock, and cached addresses."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from streams.providers.http.exchange import Exchange, TransportFactory, pooled_transport, post
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.port import ChatCall, Endpoint, ErrorClass, ProviderError
from streams.providers.refusals.adapter_faults import faults_named
from streams.providers.refusals.classification import refusal

CALL_ID_HEADER = "X-Client-Request-Id"

_ADDRESSES = 4_096
_JSON = "application/json"
_OK = range(200, 300)


class HttpAdapter:
    """Base of the adapters; one object serves every endpoint from one pool.

    `now_s` is Unix time in seconds; `transport` opens the pool, once, at the first call.
    """

    def __init__(
        self,
        keys: KeyRing,
        hosts: HostPolicy,
        *,
        transport: TransportFactory = pooled_transport,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._hosts = hosts
        self._open = transport
        self._now_s = now_s
        self._transport: httpx.AsyncBaseTransport | None = None
        self._addresses: dict[tuple[str, str], httpx.URL] = {}

    def address(self, base_url: str, path: str) -> httpx.URL:
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
                found = httpx.URL(base_url.rstrip("/") + path)
            except httpx.InvalidURL:
                raise ProviderError(
                    ErrorClass.AUTH, "the endpoint's base_url is not an http(s) URL"
                ) from None
            self._hosts.check(found)
            if len(self._addresses) >= _ADDRESSES:
                self._addresses.clear()
            self._addresses[base_url, path] = found
        return found

    async def exchange(
        self,
        call: ChatCall,
        endpoint: Endpoint,
        url: httpx.URL,
        headers: dict[str, str],
        body: bytes,
    ) -> Exchange:
        """POST and return a 2xx answer.

        Raises:
            ProviderError: the call failed, or was answered with another status.
        """
        with faults_named("opening the connection pool", sent=False):
            if self._transport is None:
                self._transport = self._open()
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
        exchange = await post(self._transport, url, sent, body, call.timeouts)
        if exchange.status not in _OK:
            with faults_named("reading an error response", sent=True, status=exchange.status):
                raise refusal(exchange, self._now_s)
        return exchange

    async def close(self) -> None:
        """Close the pooled connections; a later call opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
