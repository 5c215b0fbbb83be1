"""The two wire formats as a provider sees them: bodies checked strictly, answers built.

A body that the real API would refuse with 400 is refused here too, so that the simulator is a
witness for the adapters and not only an echo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from infra.simulator.answers import KnownAnswer, content_text
from infra.simulator.ledger import Counted

_CHARACTERS_PER_TOKEN = 4
_REASONING_SHARE = 3


class RefusedBodyError(ValueError):
    """The API would answer 400."""


def count_tokens(text: str) -> int:
    """The simulator's own tokenizer: four characters a token."""
    return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))


def check_openai(body: Mapping[str, Any]) -> None:
    """Refuse what OpenAI's API refuses.

    Raises:
        RefusedBodyError: with the reason.
    """
    _need(isinstance(body.get("model"), str), "model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedBodyError("messages is missing")
    open_calls: set[str] = set()
    for message in messages:
        role = message.get("role")
        _need(role in {"system", "developer", "user", "assistant", "tool"}, "unknown role")
        for call in message.get("tool_calls") or ():
            open_calls.add(call["id"])
        if role == "tool":
            _need(message.get("tool_call_id") in open_calls, "tool message without its call")
    _need("extra_body" not in body, "unknown parameter extra_body")


def check_anthropic(body: Mapping[str, Any]) -> None:
    """Refuse what Anthropic's API refuses.

    Raises:
        RefusedBodyError: with the reason.
    """
    _need(isinstance(body.get("model"), str), "model: field required")
    _need(isinstance(body.get("max_tokens"), int), "max_tokens: field required")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedBodyError("messages: field required")
    _need(messages[0].get("role") == "user", "first message must be from the user")
    used: set[str] = set()
    for message in messages:
        _need(message.get("role") in {"user", "assistant"}, "unexpected role")
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block["type"] == "tool_use":
                used.add(block["id"])
            if block["type"] == "tool_result":
                _need(block["tool_use_id"] in used, "tool_result without its tool_use")
    _need((body.get("temperature") or 0) <= 1, "temperature: at most 1")


def _need(holds: bool, reason: str) -> None:
    if not holds:
        raise RefusedBodyError(reason)


def openai_prompt(body: Mapping[str, Any]) -> str:
    """The last user text."""
    users = [message for message in body["messages"] if message["role"] == "user"]
    return content_text(users[-1].get("content")) if users else ""


def anthropic_prompt(body: Mapping[str, Any]) -> str:
    """The last user text that is no tool result."""
    for message in reversed(body["messages"]):
        if message["role"] == "user" and (text := content_text(message["content"])):
            return text
    return ""


def count(body_bytes: int, answer: KnownAnswer, *, reasons: bool) -> Counted:
    """Usage of a call: input by the body's size, output by the answer's."""
    visible = count_tokens(answer.text or "") + sum(
        count_tokens(arguments) for _, arguments in answer.tool_calls
    )
    reasoning = visible * _REASONING_SHARE if reasons else 0
    return Counted(
        input_tokens=max(1, body_bytes // _CHARACTERS_PER_TOKEN),
        output_tokens=visible + reasoning,
        reasoning_tokens=reasoning,
    )


def openai_answer(
    body: Mapping[str, Any], answer: KnownAnswer, counted: Counted, call_id: str
) -> bytes:
    """A chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": f"call_{call_id[:20]}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for number, (name, arguments) in enumerate(answer.tool_calls)
        ]
    logprobs = None
    if body.get("logprobs"):
        words = (answer.text or "").split()
        logprobs = {
            "content": [{"token": word, "logprob": -0.05 - (len(word) % 5) / 50} for word in words]
        }
    return orjson.dumps(
        {
            "id": f"chatcmpl-{call_id}",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": answer.finish_reason,
                    "logprobs": logprobs,
                }
            ],
            "usage": {
                "prompt_tokens": counted.input_tokens,
                "completion_tokens": counted.output_tokens,
                "total_tokens": counted.input_tokens + counted.output_tokens,
                "prompt_tokens_details": {"cached_tokens": counted.cached_tokens},
                "completion_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
            },
        }
    )


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def anthropic_answer(
    body: Mapping[str, Any], answer: KnownAnswer, counted: Counted, call_id: str
) -> bytes:
    """A message; where one tool is forced and the answer is JSON text, the text is its input."""
    blocks: list[dict[str, Any]] = []
    stop = _STOP_REASONS.get(answer.finish_reason, "end_turn")
    forced = (body.get("tool_choice") or {}).get("name")
    if forced and answer.text and not answer.tool_calls:
        blocks.append(_tool_use(call_id, 0, forced, answer.text))
        stop = "tool_use"
    elif answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for number, (name, arguments) in enumerate(answer.tool_calls):
        blocks.append(_tool_use(call_id, number, name, arguments))
    return orjson.dumps(
        {
            "id": f"msg_{call_id}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": counted.input_tokens - counted.cached_tokens,
                "cache_read_input_tokens": counted.cached_tokens,
                "cache_creation_input_tokens": 0,
                "output_tokens": counted.output_tokens,
            },
        }
    )


def _tool_use(call_id: str, number: int, name: str, arguments: str) -> dict[str, Any]:
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = {"text": arguments}
    return {
        "type": "tool_use",
        "id": f"toolu_{call_id[:20]}_{number}",
        "name": name,
        "input": given if isinstance(given, dict) else {"value": given},
    }
