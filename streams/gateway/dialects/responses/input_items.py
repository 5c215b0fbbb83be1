"""Input items of OpenAI's Responses as messages of chat completions. Pure.

| item | messages |
|---|---|
| message | one of its role; consecutive items of the assistant become one message |
| `reasoning` | its summary as `reasoning_content`; what a model signed as `thinking_blocks` |
| `function_call` | `tool_calls` of the assistant's message |
| `function_call_output` | `tool` |
| any other | refused by name |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.gateway.dialects.responses.field_checks import (
    choice,
    elements,
    path_of,
    required,
    shown,
    text,
    unsupported,
    wrong_type,
)
from streams.gateway.dialects.responses.input_content import as_content
from streams.gateway.dialects.responses.signed_reasoning import blocks_of

Message = dict[str, Any]

_ROLES = ("user", "assistant", "system", "developer")
_BETWEEN = "\n\n"


@dataclass(slots=True)
class _Turns:
    """Messages so far, and the assistant's open one."""

    messages: list[Message] = field(default_factory=list)
    open: Message | None = None

    def assistant(self) -> Message:
        if self.open is None:
            self.open = {"role": "assistant", "content": None}
        return self.open

    def close(self) -> None:
        if self.open is not None and len(self.open) > 1 and _says_something(self.open):
            self.messages.append(self.open)
        self.open = None

    def add(self, message: Message) -> None:
        self.close()
        self.messages.append(message)


def messages_of(given: Any) -> list[Message]:
    """Return the messages for the input of a body.

    Raises:
        HttpError: 400; an item is not supported, or has not the form that OpenAI asks for.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array of input items")
    turns = _Turns()
    for item, where in elements(given, "input"):
        _take(item, where, turns)
    turns.close()
    return turns.messages


def _take(item: Mapping[str, Any], where: str, turns: _Turns) -> None:
    kind = text(item, "type", where) if "type" in item else "message"
    if kind == "message":
        _take_message(item, where, turns)
    elif kind == "function_call":
        call = {
            "id": text(item, "call_id", where),
            "type": "function",
            "function": {
                "name": text(item, "name", where),
                "arguments": text(item, "arguments", where),
            },
        }
        turns.assistant().setdefault("tool_calls", []).append(call)
    elif kind == "function_call_output":
        output = as_content(required(item, "output", where), path_of(where, "output"))
        turns.add({"role": "tool", "tool_call_id": text(item, "call_id", where), "content": output})
    elif kind == "reasoning":
        _take_reasoning(item, where, turns)
    else:
        raise unsupported(
            path_of(where, "type"),
            f"'{shown(kind)}' is not supported; there are message, reasoning, function_call and "
            "function_call_output",
        )


def _take_message(item: Mapping[str, Any], where: str, turns: _Turns) -> None:
    role = choice(item, "role", where, _ROLES)
    content = as_content(required(item, "content", where), path_of(where, "content"))
    if role != "assistant":
        turns.add({"role": role, "content": content})
        return
    if turns.open is not None and turns.open["content"] is not None:
        if not _calls(turns.open):
            turns.close()
        else:
            content = [*_parts(turns.open["content"]), *_parts(content)]
    turns.assistant()["content"] = content


def _take_reasoning(item: Mapping[str, Any], where: str, turns: _Turns) -> None:
    texts = [
        text(part, "text", path)
        for name in ("summary", "content")
        for part, path in elements(item.get(name) or [], path_of(where, name))
    ]
    if turns.open is not None and turns.open["content"] is not None and not _calls(turns.open):
        turns.close()
    message = turns.assistant()
    found = _BETWEEN.join(each for each in texts if each)
    if found:
        before = message.get("reasoning_content")
        message["reasoning_content"] = f"{before}{_BETWEEN}{found}" if before else found
    blocks = blocks_of(item.get("encrypted_content"), _BETWEEN.join(texts))
    if blocks:
        message.setdefault("thinking_blocks", []).extend(blocks)


def _parts(content: str | list[Any]) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _calls(message: Message) -> bool:
    return "tool_calls" in message


def _says_something(message: Message) -> bool:
    return message["content"] is not None or message.keys() - {"role", "content"} != set()
