"""Turns of Anthropic's Messages as messages of the contract. Pure.

| turn | messages |
|---|---|
| `system` of the body, turns of role `system` | `system`, in place |
| tool results of a user's turn | `tool`, before the rest of the turn; one with `is_error` begins
    with "Error" |
| thinking with a signature, redacted thinking | `thinking_blocks`, unchanged |
| thinking without a signature (of a model of another vendor) | `reasoning_content` |
| `tool_use` | `tool_calls`, the input as JSON with its numbers' digits |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.encoding import exact_json
from streams.gateway.dialects.anthropic.blocks import (
    DialectNeed,
    Part,
    as_content,
    parts_of,
    text_part,
    typed_blocks,
)
from streams.gateway.dialects.anthropic.field_checks import (
    as_object,
    fault,
    flag_field,
    list_field,
    object_field,
    path_of,
    required_field,
    text_field,
)

_ROLES = frozenset({"user", "assistant", "system"})
_ONLY_OF = {"tool_use": "assistant", "thinking": "assistant", "redacted_thinking": "assistant"} | {
    "tool_result": "user"
}
_DIRECT = "direct"
_ERROR = "Error"


@dataclass(slots=True)
class _Turn:
    """The parts of a turn by kind."""

    parts: list[Part] = field(default_factory=list)
    thinking: list[dict[str, Any]] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)


def messages_of(body: Mapping[str, Any], need: DialectNeed) -> list[dict[str, Any]]:
    """Return the messages of a body, its system text first.

    Raises:
        HttpError: 400; a turn or a block has not the form that Anthropic asks for.
    """
    turns = list_field(body, "messages", "")
    if not turns:
        raise fault("messages", "at least one message is required")
    found = []
    if body.get("system") is not None:
        found.append(_system(body["system"], "system", need))
    for number, each in enumerate(turns):
        where = path_of("messages", number)
        found.extend(_messages(as_object(each, where), where, need))
    return found


def _system(content: Any, where: str, need: DialectNeed) -> dict[str, Any]:
    parts = []
    for kind, block, place in typed_blocks(content, where):
        if kind != "text":
            raise fault(path_of(place, "type"), "Input should be 'text'")
        parts.extend(parts_of(kind, block, place, need))
    return {"role": "system", "content": as_content(parts)}


def _messages(turn: Mapping[str, Any], where: str, need: DialectNeed) -> list[dict[str, Any]]:
    role = text_field(turn, "role", where)
    if role not in _ROLES:
        raise fault(path_of(where, "role"), "Input should be 'user', 'assistant' or 'system'")
    content, place = required_field(turn, "content", where), path_of(where, "content")
    if role == "system":
        return [_system(content, place, need)]
    if content == [] and role == "user":
        raise fault(place, "user messages must have non-empty content")
    found = _Turn()
    for kind, block, path in typed_blocks(content, place):
        if role != _ONLY_OF.get(kind, role):
            raise fault(path, f"`{kind}` blocks can only be in `{_ONLY_OF[kind]}` messages")
        _take(kind, block, path, found, need)
    if role == "assistant":
        return [_assistant(found)]
    rest = [{"role": "user", "content": as_content(found.parts)}] if found.parts else []
    return [*found.results, *rest]


def _take(kind: str, block: Mapping[str, Any], where: str, found: _Turn, need: DialectNeed) -> None:
    if kind == "tool_use":
        found.calls.append(_tool_call(block, where, need))
    elif kind == "tool_result":
        found.results.append(_tool_result(block, where, need))
    elif kind == "thinking":
        _take_thinking(block, where, found)
    elif kind == "redacted_thinking":
        data = text_field(block, "data", where)
        found.thinking.append({"type": "redacted_thinking", "data": data})
    else:
        found.parts.extend(parts_of(kind, block, where, need))


def _take_thinking(block: Mapping[str, Any], where: str, found: _Turn) -> None:
    text, signature = text_field(block, "thinking", where), block.get("signature")
    if text:
        found.reasoning.append(text)
    if signature:
        signed = {"thinking": text, "signature": text_field(block, "signature", where)}
        found.thinking.append({"type": "thinking", **signed})


def _tool_call(block: Mapping[str, Any], where: str, need: DialectNeed) -> dict[str, Any]:
    caller = block.get("caller")
    is_direct = caller is None or (isinstance(caller, Mapping) and caller.get("type") == _DIRECT)
    if block.get("toolset_name") is not None or not is_direct:
        need.found = True
    given = object_field(block, "input", where)
    return {
        "id": text_field(block, "id", where),
        "type": "function",
        "function": {
            "name": text_field(block, "name", where),
            "arguments": exact_json.dumps(given).decode(),
        },
    }


def _tool_result(block: Mapping[str, Any], where: str, need: DialectNeed) -> dict[str, Any]:
    if block.get("toolset_name") is not None:
        need.found = True
    parts: list[Part] = []
    if block.get("content") is not None:
        for kind, inner, path in typed_blocks(block["content"], path_of(where, "content")):
            parts.extend(parts_of(kind, inner, path, need))
    if flag_field(block, "is_error", where):
        parts = _failed(parts)
    return {
        "role": "tool",
        "tool_call_id": text_field(block, "tool_use_id", where),
        "content": as_content(parts),
    }


def _failed(parts: list[Part]) -> list[Part]:
    """Return the result of a failed call: the contract has no other mark than its words."""
    first = parts[0]["text"] if parts and parts[0]["type"] == "text" else None
    if first is None:
        return [text_part(_ERROR), *parts]
    if first.lower().startswith(_ERROR.lower()):
        return parts
    return [text_part(f"{_ERROR}: {first}" if first else _ERROR), *parts[1:]]


def _assistant(found: _Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": as_content(found.parts)}
    if not found.parts and found.calls:
        message["content"] = None
    if found.reasoning:
        message["reasoning_content"] = "\n\n".join(found.reasoning)
    if found.thinking:
        message["thinking_blocks"] = found.thinking
    if found.calls:
        message["tool_calls"] = found.calls
    return message
