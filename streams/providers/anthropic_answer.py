"""From Anthropic's answer to the port's completion; pure.

Source: https://docs.anthropic.com/en/api/messages. Its `input_tokens` leaves the cached tokens
out, the port's includes them. Thinking is not part of the answer, its tokens are in the output's.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

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
)
from streams.providers.base import Completion, Usage

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_FENCED = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


def completion(document: Json, *, shape: str | None = None) -> Completion:
    """What a 200 answer says.

    `shape` is how JSON was asked for (`anthropic_format.wants_shape`): the input of the forced
    tool becomes the text, and a code fence around an instructed answer is taken off.

    Raises:
        ProviderError: BAD_RESPONSE; there is no message in it.
    """
    blocks = document.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise bad_answer("holds no content")
    said = "".join(text(block.get("text")) or "" for block in blocks if block.get("type") == "text")
    calls = few_enough([block for block in blocks if block.get("type") == "tool_use"])
    finish = _FINISH.get(text(document.get("stop_reason")) or "end_turn", "stop")
    message: dict[str, Any] = {"role": "assistant", "content": said or None}
    if shape == "tool" and calls:
        message["content"] = _arguments(calls[0])
        finish = "stop" if finish == "tool_calls" else finish
    elif calls:
        message["tool_calls"] = [_tool_call(block) for block in calls]
    elif shape is not None and said:
        message["content"] = _unfenced(said)
    return Completion(
        message=message,
        finish_reason=finish,
        usage=believable(usage(part(document, "usage")), message),
        response_model=name(document.get("model")),
        response_id=name(document.get("id")),
    )


def usage(document: Json) -> Usage:
    """Tokens, the input's with the cached ones in it."""
    fresh = count(document.get("input_tokens"))
    read = count(document.get("cache_read_input_tokens"))
    written = count(document.get("cache_creation_input_tokens"))
    tier = name(document.get("service_tier"))
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=count(document.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=count(
            part(document, "cache_creation").get("ephemeral_1h_input_tokens")
        ),
        service_tier=None if tier == "standard" else tier,
    )


def _tool_call(block: Json) -> dict[str, Any]:
    called, identity = text(block.get("name")), text(block.get("id"))
    if not called or not identity:
        raise bad_answer("holds a tool call without a name or an id")
    return {
        "id": identity,
        "type": "function",
        "function": {"name": called, "arguments": _arguments(block)},
    }


def _arguments(block: Json) -> str:
    return json_text(part(block, "input"))


def _unfenced(said: str) -> str:
    fenced = _FENCED.match(said)
    if fenced is None:
        return said
    try:
        orjson.loads(fenced[1])
    except orjson.JSONDecodeError:
        return said
    return fenced[1]
