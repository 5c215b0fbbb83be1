"""Signed reasoning as `encrypted_content` of a reasoning item, and back. Pure.

Anthropic's models refuse a tool's result without the thinking that they signed before the call. The
signature travels through the client in the field that OpenAI has for such content. Content of
OpenAI's own models is no use to others and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SIGNED = "sluice.signed."
_REDACTED = "sluice.redacted."


def encrypted_content(block: Mapping[str, Any]) -> str:
    """Return the field for a thinking block."""
    if block["type"] == "thinking":
        return f"{_SIGNED}{block['signature']}"
    return f"{_REDACTED}{block['data']}"


def blocks_of(encrypted: Any, thinking: str) -> list[dict[str, Any]]:
    """Return the thinking block of a reasoning item with this text; none if it is not ours."""
    if not isinstance(encrypted, str):
        return []
    if encrypted.startswith(_SIGNED):
        signature = encrypted.removeprefix(_SIGNED)
        return [{"type": "thinking", "thinking": thinking, "signature": signature}]
    if encrypted.startswith(_REDACTED):
        return [{"type": "redacted_thinking", "data": encrypted.removeprefix(_REDACTED)}]
    return []
