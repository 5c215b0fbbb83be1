"""The body that travels along to providers of this dialect. Pure.

It is the caller's, without fields of Sluice's own and parameters of other vendors. In earlier
assistant turns two things differ, which Anthropic would refuse:

- Thinking without a signature is left out: it is of a model of another vendor.
- Thinking after the start of a turn that does not begin with thinking is moved to the front: in a
  streamed answer redacted thinking comes last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

_THINKING = frozenset({"thinking", "redacted_thinking"})


def vendor_body(body: Mapping[str, Any], left_out: Collection[str]) -> dict[str, Any]:
    """Return a checked body as a provider of this dialect receives it."""
    kept = {name: value for name, value in body.items() if name not in left_out}
    turns = (_turn(message) for message in kept["messages"])
    kept["messages"] = [turn for turn in turns if turn is not None]
    return kept


def _turn(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return a turn, or `None` if nothing of it is left."""
    content = message["content"]
    if message["role"] != "assistant" or not isinstance(content, list):
        return message
    blocks = [block for block in content if not _is_unsigned(block)]
    if not blocks:
        return message if not content else None
    thinking = [block for block in blocks if block["type"] in _THINKING]
    if thinking and blocks[0]["type"] not in _THINKING:
        blocks = [*thinking, *(block for block in blocks if block["type"] not in _THINKING)]
    return message if blocks == content else {**message, "content": blocks}


def _is_unsigned(block: Mapping[str, Any]) -> bool:
    return block["type"] == "thinking" and not block.get("signature")
