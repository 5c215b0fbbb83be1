"""What of an answer was sent in parts, and what its reply still has to send. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import AnswerChangedError

PIECE_CHARACTERS = 2_000
"""Longest text of one delta that is sent from a reply."""

REASONING = "reasoning_content"
SIGNATURE = "thinking_signature"
"""Field of a delta that ends a block of thinking: the reasoning since the last one is its text."""

REDACTED = "redacted_thinking"
"""Field of a delta from a reply: the data of a block of redacted thinking. No part has it."""

_BETWEEN_THOUGHTS = "\n\n"


@dataclass(slots=True)
class SentThought:
    """A block of thinking that was sent; it is whole once it is signed."""

    text: str = ""
    is_signed: bool = False


@dataclass(slots=True)
class Unsent:
    """The texts that were sent: content, thinking by block, and the arguments of tool calls by
    index.
    """

    content: str = ""
    thoughts: list[SentThought] = field(default_factory=list)
    arguments: dict[int, str] = field(default_factory=dict)

    @property
    def reasoning(self) -> str:
        """Return the reasoning that was sent, as a message holds it."""
        return _BETWEEN_THOUGHTS.join(each.text for each in self.thoughts if each.text)

    def note(self, delta: Mapping[str, Any]) -> None:
        """Note a delta that is sent."""
        self.content += delta.get("content") or ""
        if delta.get(REASONING):
            self._open_thought().text += delta[REASONING]
        if delta.get(SIGNATURE):
            self._open_thought().is_signed = True
        for call in delta.get("tool_calls") or ():
            said = (call.get("function") or {}).get("arguments") or ""
            self.arguments[call["index"]] = self.arguments.get(call["index"], "") + said

    def as_reasoning(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """Return a delta whose reasoning continues what was sent as one text, as a message holds
        it: blocks of thinking are apart there.
        """
        found = dict(delta)
        if found.get(REASONING) and self.reasoning and self.thoughts[-1].is_signed:
            found[REASONING] = _BETWEEN_THOUGHTS + found[REASONING]
        return found

    def _open_thought(self) -> SentThought:
        if not self.thoughts or self.thoughts[-1].is_signed:
            self.thoughts.append(SentThought())
        return self.thoughts[-1]


def reasoning_of(message: Mapping[str, Any]) -> str:
    """Return the reasoning of a message as text, in whichever field its vendor has it."""
    found: str = message.get(REASONING) or message.get("reasoning") or ""
    return found


def unsent(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    """Yield the deltas of an assistant message after those that were sent; thinking as text.

    Raises:
        AnswerChangedError: what was sent is not the beginning of this message.
    """
    yield from _unsent_reasoning(message, sent)
    yield from _unsent_speech(message, sent)


def unsent_blocks(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    """Yield the deltas of an assistant message after those that were sent; thinking by block, with
    its signatures (`SIGNATURE`, `REDACTED`), the one that was begun first.

    Raises:
        AnswerChangedError: what was sent is not the beginning of this message.
    """
    yield from _unsent_thinking(message, sent)
    yield from _unsent_speech(message, sent)


def _unsent_reasoning(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    reasoning = reasoning_of(message)
    if reasoning.startswith(sent.reasoning):
        for piece in _pieces(reasoning, len(sent.reasoning)):
            yield {REASONING: piece}


def _unsent_thinking(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    blocks = message.get("thinking_blocks") or []
    if not blocks:
        yield from _unsent_reasoning(message, sent)
        return
    signed = [block for block in blocks if block["type"] == "thinking"]
    begun = len(sent.thoughts)
    if begun > len(signed):
        raise AnswerChangedError
    for block, thought in zip(signed, sent.thoughts, strict=False):
        if thought.is_signed and block["thinking"] != thought.text:
            raise AnswerChangedError
        if not thought.is_signed:
            yield from _rest_of_thought(block, thought.text)
    for block in blocks:
        if block["type"] != "thinking":
            yield {REDACTED: block["data"]}
        elif begun > 0:
            begun -= 1
        else:
            yield from _rest_of_thought(block, "")


def _rest_of_thought(block: Mapping[str, Any], sent: str) -> Iterator[dict[str, Any]]:
    text = block["thinking"]
    if not text.startswith(sent):
        raise AnswerChangedError
    for piece in _pieces(text, len(sent)):
        yield {REASONING: piece}
    yield {SIGNATURE: block["signature"]}


def _unsent_speech(message: Mapping[str, Any], sent: Unsent) -> Iterator[dict[str, Any]]:
    content, calls = message.get("content") or "", message.get("tool_calls") or []
    if not content.startswith(sent.content) or len(sent.arguments) > len(calls):
        raise AnswerChangedError
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
        raise AnswerChangedError
    for piece in _pieces(arguments, len(sent or "")):
        yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str, begin: int) -> Iterator[str]:
    for at in range(begin, len(text), PIECE_CHARACTERS):
        yield text[at : at + PIECE_CHARACTERS]
