"""OpenAI's chat-completions format, both ways; pure.

Source: https://platform.openai.com/docs/api-reference/chat. A routed request can't know which model
it meets, so what a model is known to refuse is left out rather than sent:

| model | left out |
|---|---|
| `o1`, `o3`, `o4`, `gpt-5` | temperature, top_p, penalties, logit_bias, logprobs, stop |
| `gpt-4`, `gpt-3.5`, `chatgpt` | reasoning_effort, verbosity |
| served by others than OpenAI and Azure | role `developer` becomes `system` |

The limit of the answer goes out as `max_completion_tokens` to OpenAI, Azure and reasoning models,
and as `max_tokens` to everyone else, who may not know the newer name.
"""

from __future__ import annotations

import re
from typing import Any

from streams.providers.answers import (
    Json,
    bad_answer,
    believable,
    count,
    few_enough,
    json_text,
    name,
    part,
    text,
    with_extra,
)
from streams.providers.base import ChatCall, Completion, Usage
from streams.providers.failures import refusal_of

_REASONING = re.compile(r"(^|/)(o[134](-|$)|gpt-5(?!.*chat))")
_PLAIN = re.compile(r"(^|/)(gpt-4|gpt-3\.5|chatgpt)")
_NOT_FOR_REASONING = frozenset(
    {
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "stop",
    }
)
_NOT_FOR_PLAIN = frozenset({"reasoning_effort", "verbosity"})
_OURS = frozenset({"extra_body", "max_tokens", "max_completion_tokens"})
_NOTHING: frozenset[str] = frozenset()

_FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def request_body(call: ChatCall, *, genuine: bool) -> dict[str, Any]:
    """The body of one call; `genuine` says that OpenAI or Azure is asked.

    Raises:
        ProviderError: BAD_REQUEST; `extra_body` sets a field that is the call's own.
    """
    reasoning = _REASONING.search(call.model) is not None
    if reasoning:
        dropped = _NOT_FOR_REASONING
    else:
        dropped = _NOT_FOR_PLAIN if _PLAIN.search(call.model) else _NOTHING
    source = call.body
    left_out = _OURS | dropped
    body = {name: value for name, value in source.items() if name not in left_out}
    body["model"] = call.model
    limit = (
        call.max_output_tokens or source.get("max_completion_tokens") or source.get("max_tokens")
    )
    if limit is not None:
        body["max_completion_tokens" if genuine or reasoning else "max_tokens"] = limit
    if not genuine and any(message["role"] == "developer" for message in body["messages"]):
        body["messages"] = [_without_developer(message) for message in body["messages"]]
    return with_extra(body, source.get("extra_body"))


def _without_developer(message: Json) -> Json:
    return {**message, "role": "system"} if message["role"] == "developer" else message


def completion(document: Json) -> Completion:
    """What a 200 answer says.

    Raises:
        ProviderError: BAD_RESPONSE if there is no message in it; the class of the error that some
            compatible servers send with status 200.
    """
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        error = part(document, "error")
        if error:
            code = error.get("code")
            raise refusal_of(code if isinstance(code, int) and 400 <= code < 600 else 500, error)
        raise bad_answer("holds no choice")
    choice = choices[0]
    said = choice.get("message")
    if not isinstance(said, dict):
        raise bad_answer("holds no message")
    message: dict[str, Any] = {"role": "assistant", "content": _spoken(said.get("content"))}
    calls = said.get("tool_calls")
    if isinstance(calls, list) and calls:
        message["tool_calls"] = [
            _tool_call(call, number) for number, call in enumerate(few_enough(calls))
        ]
    if text(said.get("refusal")):
        message["refusal"] = said["refusal"]
    finish = _FINISH.get(text(choice.get("finish_reason")) or "stop", "stop")
    return Completion(
        message=message,
        # A forced call ends with `stop` at OpenAI, and so does any call at Ollama.
        finish_reason="tool_calls" if finish == "stop" and "tool_calls" in message else finish,
        usage=believable(
            usage(part(document, "usage"), name(document.get("service_tier"))), message
        ),
        response_model=name(document.get("model")),
        response_id=name(document.get("id")),
        logprobs=_logprobs(choice.get("logprobs")) if choice.get("logprobs") else None,
    )


def usage(document: Json, service_tier: str | None = None) -> Usage:
    """Tokens as counted; OpenAI's counts already include cached and reasoning ones."""
    details = part(document, "prompt_tokens_details")
    cached = count(details.get("cached_tokens"))
    return Usage(
        input_tokens=count(document.get("prompt_tokens")),
        output_tokens=count(document.get("completion_tokens")),
        # DeepSeek has a name of its own for it.
        cache_read_tokens=count(document.get("prompt_cache_hit_tokens"))
        if cached is None
        else cached,
        reasoning_tokens=count(part(document, "completion_tokens_details").get("reasoning_tokens")),
        service_tier=None if service_tier in {"default", "standard", "auto"} else service_tier,
    )


def _spoken(content: object) -> str | None:
    """Text, also where it comes in parts, as from Mistral's reasoning models."""
    if not isinstance(content, list):
        return text(content)
    parts = [piece for piece in content if isinstance(piece, dict) and piece.get("type") == "text"]
    return "".join(text(piece.get("text")) or "" for piece in parts) or None


def _tool_call(call: object, number: int) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise bad_answer("holds a broken tool call")
    called, identity = text(function.get("name")), text(call.get("id"))
    if not called:
        raise bad_answer("holds a tool call without a name")
    arguments = function.get("arguments")
    # Some compatible servers send the arguments as the object that they stand for.
    said = json_text(arguments) if isinstance(arguments, dict) else text(arguments)
    return {
        "id": identity or f"call_{number}_{called}",
        "type": "function",
        "function": {"name": called, "arguments": said or "{}"},
    }


def _logprobs(document: object) -> tuple[float, ...] | None:
    tokens = document.get("content") if isinstance(document, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    values = [token.get("logprob") for token in tokens if isinstance(token, dict)]
    numbers = tuple(float(value) for value in values if isinstance(value, int | float))
    return numbers if len(numbers) == len(tokens) else None
