"""Anthropic's messages API; the formats are turned into each other in `anthropic_format`."""

from __future__ import annotations

from streams.providers.anthropic_format import ANSWER_TOOL, messages_body, read_message
from streams.providers.base import ChatCall, Completion, Endpoint
from streams.providers.exchange import REQUEST_ID_HEADER, Exchange
from streams.providers.guard import HostPolicy, KeyRing

API_VERSION = "2023-06-01"


class AnthropicProvider:
    """The adapter; see `streams.providers.base.Provider`."""

    name = "anthropic"

    def __init__(self, keys: KeyRing, hosts: HostPolicy) -> None:
        self._keys = keys
        self._hosts = hosts
        self._exchange = Exchange()

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """See `Provider.complete`."""
        self._hosts.check(endpoint.base_url)
        key = self._keys.key(endpoint.api_key_env)
        headers = {
            REQUEST_ID_HEADER: call.call_id,
            "anthropic-version": endpoint.api_version or API_VERSION,
            **endpoint.headers,
        }
        if key is not None:
            headers["x-api-key"] = key
        body = messages_body(call)
        shaped = (body.get("tool_choice") or {}).get("name") == ANSWER_TOOL and not call.body.get(
            "tools"
        )
        url = f"{endpoint.base_url.rstrip('/')}/messages"
        answer = await self._exchange.post(url, body, headers, call.timeouts)
        return read_message(answer, shaped=shaped)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._exchange.close()
