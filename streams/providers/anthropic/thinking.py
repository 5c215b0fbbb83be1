"""Extended thinking of Anthropic: incompatible parameters and requirements; pure.

Source: https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking. A caller requests it
by `thinking` in `extra_body`. Anthropic then refuses `temperature`, `top_p`, `top_k` and a forced
tool. The budget must be below `max_tokens`. During a tool call the last assistant turn must begin
with its thinking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.providers.answer_fields import Json, objects, part

_NOT_BESIDE_IT = frozenset({"temperature", "top_p", "top_k"})
_TYPES = frozenset({"thinking", "redacted_thinking"})
_LEAST_BUDGET = 1_024
"""Smallest `budget_tokens` that Anthropic accepts."""


def is_thinking(extra: Json) -> bool:
    """Return whether `extra_body` requests thinking."""
    wanted = extra.get("thinking")
    return isinstance(wanted, dict) and wanted.get("type") != "disabled"


def extra_fields(source: Json, max_tokens: int, refused: frozenset[str]) -> dict[str, Any]:
    """Return `extra_body` in the form that Anthropic accepts for an answer of at most
    `max_tokens`.
    """
    extra = {
        name: value for name, value in part(source, "extra_body").items() if name not in refused
    }
    if not is_thinking(extra):
        return extra
    wanted = extra["thinking"]
    if _budget_above(wanted, max_tokens):
        if max_tokens <= _LEAST_BUDGET:
            del extra["thinking"]
            return extra
        extra["thinking"] = {**wanted, "budget_tokens": max_tokens - 1}
    if wanted.get("type") == "enabled" and _is_mid_call_without_thinking(source["messages"]):
        del extra["thinking"]
        return extra
    return {name: value for name, value in extra.items() if name not in _NOT_BESIDE_IT}


def fit_thinking(body: dict[str, Any]) -> None:
    """Keep the budget of a native body below its `max_tokens`, in place."""
    wanted, limit = body.get("thinking"), body["max_tokens"]
    if not isinstance(wanted, dict) or not _budget_above(wanted, limit):
        return
    if limit <= _LEAST_BUDGET:
        del body["thinking"]
    else:
        body["thinking"] = {**wanted, "budget_tokens": limit - 1}


def without_thinking(messages: Sequence[Json]) -> list[Json]:
    """Return the messages of a native body without the thinking of earlier turns."""
    found: list[Json] = []
    for message in messages:
        content = message.get("content")
        if not isinstance(content, list):
            found.append(message)
            continue
        kept = [piece for piece in content if _type(piece) not in _TYPES]
        if kept:
            found.append({**message, "content": kept})
    return found


def _type(piece: object) -> object:
    return piece.get("type") if isinstance(piece, dict) else None


def _budget_above(wanted: Json, limit: int) -> bool:
    budget = wanted.get("budget_tokens")
    return isinstance(budget, int) and not isinstance(budget, bool) and budget >= limit


def thinking_blocks(message: Json) -> list[dict[str, Any]]:
    """Return the signed thinking of an assistant's turn, which Anthropic accepts."""
    content = message.get("content")
    pieces = [*objects(message.get("thinking_blocks")), *objects(content)]
    found: list[dict[str, Any]] = []
    for piece in pieces:
        block = _block(piece)
        if block is not None and block not in found:
            found.append(block)
    return found


def _block(piece: Json) -> dict[str, Any] | None:
    if piece.get("type") == "redacted_thinking" and piece.get("data"):
        return {"type": "redacted_thinking", "data": piece["data"]}
    signed = piece.get("type") == "thinking" and piece.get("signature")
    if not signed or not isinstance(piece.get("thinking"), str):
        return None
    return {
        "type": "thinking",
        "thinking": piece["thinking"],
        "signature": piece["signature"],
    }


def _is_mid_call_without_thinking(messages: Sequence[Json]) -> bool:
    for message in reversed(messages):
        if message["role"] == "assistant":
            return bool(message.get("tool_calls")) and not thinking_blocks(message)
        if message["role"] != "tool":
            return False
    return False
