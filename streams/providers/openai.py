"""OpenAI chat completions, and every server that speaks them: Azure, vLLM, Ollama, ...

Source: https://platform.openai.com/docs/api-reference/chat. An endpoint with an `api_version` is
Azure's: the model is a deployment in the path, the key goes in `api-key`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.providers.base import (
    ChatCall,
    Completion,
    Endpoint,
    ErrorClass,
    ProviderError,
    Usage,
)
from streams.providers.exchange import REQUEST_ID_HEADER, Exchange
from streams.providers.guard import HostPolicy, KeyRing

_FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_MESSAGE_FIELDS = ("content", "tool_calls", "refusal")


class OpenAIProvider:
    """The adapter; see `streams.providers.base.Provider`."""

    name = "openai"

    def __init__(self, keys: KeyRing, hosts: HostPolicy) -> None:
        self._keys = keys
        self._hosts = hosts
        self._exchange = Exchange()

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """See `Provider.complete`."""
        self._hosts.check(endpoint.base_url)
        key = self._keys.key(endpoint.api_key_env)
        headers = {REQUEST_ID_HEADER: call.call_id, **endpoint.headers}
        if key is not None:
            if endpoint.api_version is None:
                headers["authorization"] = f"Bearer {key}"
            else:
                headers["api-key"] = key
        answer = await self._exchange.post(
            chat_url(call, endpoint), chat_body(call), headers, call.timeouts
        )
        return read_completion(answer)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._exchange.close()


def chat_url(call: ChatCall, endpoint: Endpoint) -> str:
    """Where the call goes."""
    base = endpoint.base_url.rstrip("/")
    if endpoint.api_version is None:
        return f"{base}/chat/completions"
    return (
        f"{base}/openai/deployments/{call.model}/chat/completions"
        f"?api-version={endpoint.api_version}"
    )


def chat_body(call: ChatCall) -> dict[str, Any]:
    """The body as the API takes it; `extra_body` is spread over it, as OpenAI's own SDK does."""
    body = {name: value for name, value in call.body.items() if name != "extra_body"}
    body.update(call.body.get("extra_body") or {})
    body["model"] = call.model
    return body


def read_completion(answer: Mapping[str, Any]) -> Completion:
    """What the API answered.

    Raises:
        ProviderError: class `bad_response`, when the answer is not a chat completion.
    """
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        plain = {name: message[name] for name in _MESSAGE_FIELDS if message.get(name) is not None}
        return Completion(
            message={"role": "assistant", "content": None, **plain},
            finish_reason=_FINISH_REASONS.get(choice.get("finish_reason") or "stop", "stop"),
            usage=read_usage(answer.get("usage") or {}),
            response_model=answer.get("model"),
            response_id=answer.get("id"),
            logprobs=_logprobs(choice.get("logprobs")),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE,
            f"the answer is not a chat completion ({type(error).__name__})",
        ) from None


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens as the API counts them: cached and reasoning tokens are inside the totals."""
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cache_read_tokens=_count(prompt.get("cached_tokens")),
        reasoning_tokens=_count(completion.get("reasoning_tokens")),
    )


def _count(value: Any) -> int | None:
    """A token count; what is no count is unknown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _logprobs(given: Mapping[str, Any] | None) -> tuple[float, ...] | None:
    if not given or not given.get("content"):
        return None
    return tuple(float(token["logprob"]) for token in given["content"])
