"""Messages of OpenAI's chat completions as messages of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.gateway.errors import invalid

_MARK = "cache_control"
_NATIVE_PARTS = {"input_audio": "[audio]", "file": "[file]"}
"""Parts that only a provider of this dialect understands, and the text for classification."""

_DETAILS = (None, "auto", "low", "high")


@dataclass(slots=True)
class Conversation:
    """Converted messages. `needs_dialect`: a part has no other form; `has_marks`: something was
    left out that other providers do without.
    """

    messages: list[Any] = field(default_factory=list)
    needs_dialect: bool = False
    has_marks: bool = False


def converted(messages: Any) -> Conversation:
    """Return the contract's messages.

    Raises:
        HttpError: 400; they are no list. Their fields are checked by the contract.
    """
    if not isinstance(messages, list):
        raise invalid("messages: expected a list", param="messages")
    found = Conversation()
    for message in messages:
        found.messages.append(_message(message, found) if isinstance(message, Mapping) else message)
    return found


def _message(message: Mapping[str, Any], found: Conversation) -> dict[str, Any]:
    turn = {name: value for name, value in message.items() if name != _MARK}
    found.has_marks = found.has_marks or _MARK in message
    content = turn.get("content")
    if isinstance(content, list):
        turn["content"] = [_part(part, found) for part in content]
    if turn.get("role") == "function":
        found.needs_dialect = True
        turn = {"role": "user", "content": turn.get("content") or ""}
    if turn.get("function_call"):
        found.needs_dialect = True
        called = turn.pop("function_call")
        name = called.get("name") if isinstance(called, Mapping) else None
        turn["content"] = turn.get("content") or f"[call of {name}]"
    if turn.get("audio"):
        found.needs_dialect = True
        turn.pop("audio")
        turn["content"] = turn.get("content") or _NATIVE_PARTS["input_audio"]
    calls = turn.get("tool_calls")
    if isinstance(calls, list) and any(_is_custom(call) for call in calls):
        found.needs_dialect = True
        turn["tool_calls"] = [_function_call(call) for call in calls]
    return turn


def _part(part: Any, found: Conversation) -> Any:
    if not isinstance(part, Mapping):
        return part
    kind = part.get("type")
    if isinstance(kind, str) and kind in _NATIVE_PARTS:
        found.needs_dialect = True
        return {"type": "text", "text": _NATIVE_PARTS[kind]}
    kept = {name: value for name, value in part.items() if name != _MARK}
    found.has_marks = found.has_marks or _MARK in part
    image = kept.get("image_url")
    if isinstance(image, Mapping) and image.get("detail") not in _DETAILS:
        found.has_marks = True
        kept["image_url"] = {name: value for name, value in image.items() if name != "detail"}
    return kept


def _is_custom(call: Any) -> bool:
    return isinstance(call, Mapping) and call.get("type") == "custom"


def _function_call(call: Any) -> Any:
    """Return a custom tool's call in the form of a function's."""
    if not _is_custom(call):
        return call
    custom = call.get("custom")
    called = custom if isinstance(custom, Mapping) else {}
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": called.get("name"), "arguments": called.get("input", "")},
    }
