"""Anthropic's messages API (https://docs.anthropic.com/en/api/messages).

The address is `<base>/messages`; a `base_url` without a path gets `/v1`. The endpoint's
`api_version`, where set, is the `anthropic-version`.
"""

from __future__ import annotations

from streams.providers.answer_fields import decode, encode
from streams.providers.anthropic.answer import completion
from streams.providers.anthropic.request import request_body
from streams.providers.anthropic.stream import MessageStream
from streams.providers.http_adapter import HttpAdapter
from streams.providers.port import ChatCall, Completion, Endpoint
from streams.providers.refusals.adapter_faults import faults_named

API_VERSION = "2023-06-01"


class AnthropicProvider(HttpAdapter):
    """Adapter for Anthropic's wire format."""

    name = "anthropic"

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """Make one call.

        Raises:
            ProviderError: for every failure, with its class.
        """
        with faults_named("building the request", sent=False):
            pathless = endpoint.base_url.rstrip("/").count("/") <= 2
            path = "/v1/messages" if pathless else "/messages"
            address = self.address(endpoint.base_url, path)
            headers = {"anthropic-version": endpoint.api_version or API_VERSION}
            if endpoint.api_key_env is not None:
                headers["x-api-key"] = self.keys.key(endpoint.api_key_env, endpoint.host)
            body = encode(request_body(call))
        if call.on_delta is not None:
            stream = MessageStream(call)
            document = await self.streamed(call, endpoint, address, headers, body, stream=stream)
            with faults_named("reading the answer", sent=True, status=200):
                return completion(document, call)
        answer = await self.exchange(call, endpoint, address, headers, body)
        with faults_named("reading the answer", sent=True, status=answer.status):
            return completion(decode(answer.body, answer.status), call)
