"""Conversion of Anthropic's answer to the port's completion; pure.

Source: https://docs.anthropic.com/en/api/messages. Thinking is not part of the text. It is kept
separately with its signatures, since the next turn of a tool call must return it. An unknown stop
reason is a failure, never an answer.
"""

from __future__ import annotations

from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from streams.providers.answer_fields import (
    Json,
    bad_answer,
    believable,
    few_calls,
    few_parts,
    json_text,
    keeping_usage,
    name,
    part,
    text,
    words_of,
)
from streams.providers.anthropic import usage
from streams.providers.anthropic.request import requested_json
from streams.providers.anthropic.thinking import thinking_blocks
from streams.providers.port import ChatCall, Completion, Usage
from streams.providers.refusals.classification import error_object, refusal_of
from streams.providers.tools.call_ids import fresh_id, ids_of

_STOP = "stop"
_FINISH = {
    "end_turn": _STOP,
    "stop_sequence": _STOP,
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_FENCE = "```"


def completion(document: Json, call: ChatCall) -> Completion:
    """Return the completion of a 200 answer to this call.

    If JSON was requested by a forced tool, its input becomes the text. A code fence around an
    answer requested by instruction is removed.

    Raises:
        ProviderError: BAD_RESPONSE; it has no message, or an unknown stop reason. The error has the
            call's usage.
    """
    used = usage.usage(part(document, "usage"))
    with keeping_usage(used):
        return _completion(document, used, call)


def _completion(document: Json, used: Usage, call: ChatCall) -> Completion:
    if document.get("type") == "error" or document.get("error"):
        raise refusal_of(500, error_object(document), inside=True)
    blocks = document.get("content")
    if not isinstance(blocks, list) or not all(
        isinstance(block, dict) for block in few_parts(blocks)
    ):
        raise bad_answer("has no content")
    shape = requested_json(call)
    content = "".join(words_of(block) for block in blocks if block.get("type") == "text")
    calls = few_calls([block for block in blocks if block.get("type") == "tool_use"])
    finish = _finish(document.get("stop_reason"), answered=bool(content or calls))
    if finish == "tool_calls" and not calls:
        raise bad_answer("has stop reason tool_use without a tool call")
    message: dict[str, Any] = {"role": "assistant", "content": content or None}
    if shape == "tool" and calls:
        message["content"] = _arguments(calls[0])
        finish = _STOP if finish == "tool_calls" else finish
    elif calls:
        taken = ids_of(call.body.get("messages"))
        message["tool_calls"] = [
            _tool_call(block, taken, call.call_id, number) for number, block in enumerate(calls)
        ]
    elif shape is not None and content:
        message["content"] = _unfenced(content)
    _keep_thinking(message, blocks)
    return Completion(
        message=message,
        finish_reason=finish,
        usage=believable(used, message),
        response_model=name(document.get("model")),
        response_id=name(document.get("id")),
        stop_sequence=name(document.get("stop_sequence")) if finish == _STOP else None,
    )


def _finish(reason: object, *, answered: bool) -> str:
    if reason is None and answered:
        return _STOP
    found = _FINISH.get(reason) if isinstance(reason, str) else None
    if found is None:
        raise bad_answer("has an unknown stop reason")
    return found


def _keep_thinking(message: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
    thought = "\n\n".join(
        filter(None, (text(block.get("thinking")) for block in blocks if _is_thinking(block)))
    )
    if thought:
        message["reasoning_content"] = thought
    signed = [
        block
        for block in thinking_blocks({"content": blocks})
        if all(isinstance(value, str) for value in block.values())
    ]
    if signed:
        message["thinking_blocks"] = signed


def _is_thinking(block: Json) -> bool:
    return block.get("type") == "thinking"


def _tool_call(block: Json, taken: set[str], seed: str, number: int) -> dict[str, Any]:
    called = name(block.get("name"))
    if not called:
        raise bad_answer("has a tool call without a name")
    return {
        "id": fresh_id(name(block.get("id")), taken, seed, number),
        "type": "function",
        "function": {"name": called, "arguments": _arguments(block)},
    }


def _arguments(block: Json) -> str:
    given = block.get("input")
    if not isinstance(given, str | dict | None):
        raise bad_answer("has a tool call with an input that is not an object")
    # Some compatible servers send the input as JSON text.
    return given if isinstance(given, str) and given else json_text(part(block, "input"))


def _unfenced(content: str) -> str:
    """Return the JSON within a code fence, else the text unchanged. It uses plain string
    operations: a regular expression blocked on an answer of line breaks.
    """
    bare = content.strip()
    if not (bare.startswith(_FENCE) and bare.endswith(_FENCE) and len(bare) > 2 * len(_FENCE)):
        return content
    opening, line_break, rest = bare.removeprefix(_FENCE).partition("\n")
    if not line_break or opening.strip() not in {"", "json"}:
        return content
    inside = rest.removesuffix(_FENCE).strip()
    try:
        read_text(inside)
    except orjson.JSONDecodeError:
        return content
    return inside
