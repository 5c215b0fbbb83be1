"""What of an answer was sent in parts, and what its reply still has to send. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.gateway.errors import GatewayCode, HttpError

PIECE_CHARACTERS = 2_000
"""Longest text of one delta that is sent from a reply."""

_REASONING = "reasoning_content"


@dataclass(slots=True)
class Unsent:
    """The texts that were sent: content, reasoning, and the arguments of tool calls by index."""

    content: str = ""
    reasoning: str = ""
    arguments: dict[int, str] = field(default_factory=dict)

    def note(self, delta: Mapping[str, Any]) -> None:
        """Note a delta that is sent."""
        self.content += delta.get("content") or ""
        self.reasoning += delta.get(_REASONING) or ""
        for call in delta.get("tool_calls") or ():
            said = (call.get("function") or {}).get("arguments") or ""
            self.arguments[call["index"]] = self.arguments.get(call["index"], "") + said


def unsent(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    """Yield the deltas of an assistant message after those that were sent.

    Raises:
        HttpError: what was sent is not the beginning of this message.
    """
    content, reasoning = message.get("content") or "", message.get(_REASONING) or ""
    calls = message.get("tool_calls") or []
    if not content.startswith(sent.content) or len(sent.arguments) > len(calls):
        raise _differs()
    for piece in _pieces(reasoning, len(sent.reasoning)):
        yield {_REASONING: piece}
    for piece in _pieces(content, len(sent.content)):
        yield {"content": piece}
    if message.get("refusal"):
        yield {"refusal": message["refusal"]}
    for index, call in enumerate(calls):
        yield from _call(index, call, sent.arguments.get(index))


def _call(index: int, call: Mapping[str, Any], sent: str | None) -> Iterator[dict[str, Any]]:
    function = call["function"]
    arguments = function["arguments"]
    if sent is None:
        begun = {
            "index": index,
            "id": call["id"],
            "type": "function",
            "function": {"name": function["name"], "arguments": ""},
        }
        yield {"tool_calls": [begun]}
    elif not arguments.startswith(sent):
        raise _differs()
    for piece in _pieces(arguments, len(sent or "")):
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str, begin: int) -> Iterator[str]:
    for at in range(begin, len(text), PIECE_CHARACTERS):
        yield text[at : at + PIECE_CHARACTERS]


def _differs() -> HttpError:
    return HttpError(
        503,
        GatewayCode.INTERNAL,
        "another call answered this request after parts of the first were sent; retry: the answer "
        "is complete then",
        retryable=True,
    )
