"""OpenAI's chat completions: OpenAI, Azure, vLLM, Ollama and compatible servers, by `base_url`.

| endpoint | address | key |
|---|---|---|
| `api_version` set (Azure) | `<base>/openai/deployments/<model>/chat/completions` | `api-key` |
| else | `<base>/chat/completions`; a base without a path gets `/v1` | bearer |
"""

from __future__ import annotations

from urllib.parse import quote

from streams.providers.answer_fields import decode, encode
from streams.providers.http_adapter import Address, HttpAdapter
from streams.providers.openai.answer import completion
from streams.providers.openai.request import Dialect, request_body
from streams.providers.openai.stream import ChatStream
from streams.providers.port import ChatCall, Completion, Endpoint
from streams.providers.refusals.adapter_faults import faults_named

_GENUINE = "api.openai.com"
_AZURE = ".azure.com"
_GOOGLE = ("generativelanguage.googleapis.com", "aiplatform.googleapis.com")


class OpenAIProvider(HttpAdapter):
    """Adapter for OpenAI's wire format."""

    name = "openai"

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """Make one call.

        Raises:
            ProviderError: for every failure, with its class.
        """
        with faults_named("building the request", sent=False):
            address = self._address(call, endpoint)
            headers = self._key_header(endpoint)
            body = encode(request_body(call, _dialect(address.host, endpoint)))
        if call.on_delta is not None:
            stream = ChatStream(call)
            document = await self.streamed(call, endpoint, address, headers, body, stream=stream)
            with faults_named("reading the answer", sent=True, status=200):
                return completion(document, call)
        answer = await self.exchange(call, endpoint, address, headers, body)
        with faults_named("reading the answer", sent=True, status=answer.status):
            return completion(decode(answer.body, answer.status), call)

    def _key_header(self, endpoint: Endpoint) -> dict[str, str]:
        if endpoint.api_key_env is None:
            return {}
        key = self.keys.key(endpoint.api_key_env, endpoint.host)
        if endpoint.api_version is None:
            return {"authorization": f"Bearer {key}"}
        return {"api-key": key}

    def _address(self, call: ChatCall, endpoint: Endpoint) -> Address:
        base = endpoint.base_url
        if endpoint.api_version is not None:
            prefix = "" if base.rstrip("/").endswith("/openai") else "/openai"
            version = quote(endpoint.api_version, safe="")
            return self.address(
                base,
                f"{prefix}/deployments/{quote(call.model, safe='')}/chat/completions"
                f"?api-version={version}",
            )
        pathless = base.rstrip("/").count("/") <= 2
        return self.address(base, "/v1/chat/completions" if pathless else "/chat/completions")


def _dialect(host: str, endpoint: Endpoint) -> Dialect:
    if endpoint.api_version is not None or host == _GENUINE or host.endswith(_AZURE):
        return Dialect.OPENAI
    # Regional hosts of Vertex AI are `<region>-aiplatform.googleapis.com`.
    return Dialect.GOOGLE if host.endswith(_GOOGLE) else Dialect.COMPATIBLE
