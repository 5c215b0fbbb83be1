"""What can be seen in a request before any model reads it: text, sizes, and what it needs.

The vocabulary of signals follows the article (sections 4 and 10: length, code, request words,
structured output, retrieval); sizes are counted once and shared by every classifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.routing.landscape import JSON, TOOLS, VISION

CHARACTERS_PER_TOKEN = 4
"""A rough token count of English text (OpenAI's rule of thumb); other scripts count more."""

_TOKENS_PER_IMAGE = 800
_TOKENS_PER_MESSAGE = 4
_CODE = re.compile(
    r"```|\bdef \w+\(|\bclass \w+|\bfunction\b|\bimport \w+|#include"
    r"|\bSELECT\b .+ \bFROM\b|=>|\{\s*$",
    re.MULTILINE,
)
_CODE_HINTS = ("```", "def ", "class ", "function", "import ", "#include", "SELECT ", "=>", "{")
"""One of them stands in every text that `_CODE` finds; looking for them first costs far less."""

_COUNTED_WORDS = 2_000
"""Up to here words are counted one by one, beyond it estimated from the blanks."""

_EXAMINED_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is seen in a request.

    `question` is the last user turn, `words` and `characters` are its sizes, `turns` counts user
    turns, `context_tokens` estimates the whole conversation with tools, `needs` are capabilities.
    """

    question: str
    words: int
    characters: int
    turns: int
    context_tokens: int
    has_code: bool
    needs: frozenset[str]
    tools: int
    feature: str | None = None
    user_tier: str | None = None
    quality: str = "balanced"
    retrieval_scores: tuple[float, ...] = ()
    retrieval_query_type: str | None = None


def text_of(content: Any) -> str:
    """The text of a message's content, its parts joined by blank lines."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n\n".join(part["text"] for part in content if part.get("type") == "text")
    return ""


def question_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last user turn's text; the last message's where no user spoke."""
    for message in reversed(messages):
        if message["role"] == "user":
            return text_of(message.get("content"))
    return text_of(messages[-1].get("content")) if messages else ""


def needs_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Capabilities without which a model can't serve this body."""
    needs = set()
    if body.get("tools"):
        needs.add(TOOLS)
    if (body.get("response_format") or {}).get("type") in {"json_object", "json_schema"}:
        needs.add(JSON)
    if any(part.get("type") == "image_url" for part in _parts(body)):
        needs.add(VISION)
    return frozenset(needs)


def _parts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, list):
            yield from content


def estimate_tokens(body: Mapping[str, Any]) -> int:
    """A rough count of the input tokens of a body, images and tools included."""
    characters = 0
    for message in body.get("messages", ()):
        characters += len(text_of(message.get("content")))
        for call in message.get("tool_calls") or ():
            characters += len(call["function"]["arguments"])
    for tool in body.get("tools") or ():
        characters += len(str(tool["function"]))
    images = sum(1 for part in _parts(body) if part.get("type") == "image_url")
    return (
        characters // CHARACTERS_PER_TOKEN
        + _TOKENS_PER_MESSAGE * len(body.get("messages", ()))
        + _TOKENS_PER_IMAGE * images
    )


def _count_words(text: str) -> int:
    counted = len(text.split(None, _COUNTED_WORDS))
    if counted <= _COUNTED_WORDS:
        return counted
    return max(counted, text.count(" ") + text.count("\n") + 1)


def _holds_code(text: str) -> bool:
    examined = text[:_EXAMINED_CHARACTERS]
    hinted = any(hint in examined for hint in _CODE_HINTS)
    return hinted and _CODE.search(examined) is not None


def extract_features(
    body: Mapping[str, Any],
    *,
    feature: str | None = None,
    user_tier: str | None = None,
    quality: str = "balanced",
    retrieval_scores: tuple[float, ...] = (),
    retrieval_query_type: str | None = None,
) -> Features:
    """Look at a chat-completions body and the request's own fields once."""
    messages = body["messages"]
    question = question_of(messages)
    return Features(
        question=question,
        words=_count_words(question),
        characters=len(question),
        turns=sum(1 for message in messages if message["role"] == "user"),
        context_tokens=estimate_tokens(body),
        has_code=_holds_code(question),
        needs=needs_of(body),
        tools=len(body.get("tools") or ()),
        feature=feature,
        user_tier=user_tier,
        quality=quality,
        retrieval_scores=retrieval_scores,
        retrieval_query_type=retrieval_query_type,
    )
