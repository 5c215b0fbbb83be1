"""Features of a request, extracted without a model: text, sizes and required capabilities.

The signals follow the article (sections 4, 6 and 10: length, code, request words, structured
output, retrieval, metadata). Sizes are counted once and shared by every classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.encoding import exact_json
from streams.routing.features.code_detection import code_lines, holds_code
from streams.routing.features.token_estimate import CHARACTERS_PER_TOKEN, text_tokens
from streams.routing.snapshot import JSON, LOGPROBS, TOOLS, VISION

__all__ = [
    "CHARACTERS_PER_TOKEN",
    "Features",
    "estimate_tokens",
    "extract_features",
    "needs_of",
    "question_of",
    "text_of",
]

_TOKENS_PER_IMAGE = 800
_TOKENS_PER_MESSAGE = 4

_COUNTED_WORDS = 2_000
"""Up to this number words are counted, beyond it estimated from the spaces."""

_EXAMINED_CHARACTERS = 8_000
_END_CHARACTERS = 20_000
_INSTRUCTING = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Features of a request.

    `question` is the last user turn, `characters` is its size, `code_lines` counts those of its
    first 8,000 characters, `turns` counts user turns, `instructions` the characters of system and
    developer messages, `answer_fields` the fields of the JSON Schema of the answer;
    `context_tokens` estimates the whole conversation with tools; `needs` are the required
    capabilities.
    """

    question: str
    characters: int
    turns: int
    context_tokens: int
    has_code: bool
    needs: frozenset[str]
    tools: int
    code_lines: int = 0
    instructions: int = 0
    answer_fields: int = 0
    feature: str | None = None
    user_tier: str | None = None
    quality: str = "balanced"
    retrieval_scores: tuple[float, ...] = ()
    retrieval_query_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> int:
        """Return the words of the question. Counted lazily: it takes as long as all the rest."""
        return _count_words(self.question)


def text_of(content: Any) -> str:
    """Return the text of a message's content, its parts joined by blank lines."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n\n".join(part["text"] for part in content if part.get("type") == "text")
    return ""


def both_ends(text: str) -> str:
    """Return a text to examine: of one that is too long its beginning and its end, on two lines."""
    if len(text) <= 2 * _END_CHARACTERS:
        return text
    return f"{text[:_END_CHARACTERS]}\n{text[-_END_CHARACTERS:]}"


def question_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the last user turn's text; without user turns the last message's."""
    for message in reversed(messages):
        if message["role"] == "user":
            return text_of(message.get("content"))
    return text_of(messages[-1].get("content")) if messages else ""


def needs_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the capabilities that a model needs to serve this body."""
    needs = set()
    if body.get("tools"):
        needs.add(TOOLS)
    if (body.get("response_format") or {}).get("type") in {"json_object", "json_schema"}:
        needs.add(JSON)
    if body.get("logprobs") or body.get("top_logprobs"):
        needs.add(LOGPROBS)
    if any(part.get("type") == "image_url" for part in _parts(body)):
        needs.add(VISION)
    return frozenset(needs)


def _parts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, list):
            yield from content


def estimate_tokens(body: Mapping[str, Any]) -> int:
    """Estimate the input tokens of a body: texts by their scripts, images, tools and the schema of
    the answer included.
    """
    tokens = images = 0
    messages = body.get("messages", ())
    for message in messages:
        content = message.get("content")
        tokens += text_tokens(text_of(content)) + _TOKENS_PER_MESSAGE
        if isinstance(content, list):
            images += sum(1 for part in content if part.get("type") == "image_url")
        tokens += text_tokens(message.get("reasoning_content") or "")
        for call in message.get("tool_calls") or ():
            tokens += text_tokens(call["function"]["arguments"])
    for tool in body.get("tools") or ():
        tokens += text_tokens(_written(tool["function"]))
    wanted = body.get("response_format")
    if wanted and wanted.get("json_schema"):
        tokens += text_tokens(_written(wanted["json_schema"]))
    return tokens + _TOKENS_PER_IMAGE * images


def _written(value: Any) -> str:
    """Return a value as JSON; if it is nested too deeply to serialize, its texts."""
    try:
        return exact_json.dumps(value).decode()
    except TypeError:
        return "".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    level = [value]
    while level:
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                yield from map(str, node)
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
            elif isinstance(node, str):
                yield node
        level = below


def _answer_fields(body: Mapping[str, Any]) -> int:
    wanted = (body.get("response_format") or {}).get("json_schema")
    schema = wanted.get("schema") if wanted else None
    return _written(schema).count('"type":') if isinstance(schema, dict) else 0


def _count_words(text: str) -> int:
    counted = len(text.split(None, _COUNTED_WORDS))
    if counted <= _COUNTED_WORDS:
        return counted
    return max(counted, text.count(" ") + text.count("\n") + 1)


def extract_features(
    body: Mapping[str, Any],
    *,
    feature: str | None = None,
    user_tier: str | None = None,
    quality: str = "balanced",
    retrieval_scores: tuple[float, ...] = (),
    retrieval_query_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Features:
    """Extract the features of a chat-completions body and the request's own fields."""
    messages = body["messages"]
    question = question_of(messages)
    examined = question[:_EXAMINED_CHARACTERS]
    has_code = holds_code(examined)
    turns = instructions = 0
    for message in messages:
        if message["role"] == "user":
            turns += 1
        elif message["role"] in _INSTRUCTING:
            instructions += len(text_of(message.get("content")))
    return Features(
        question=question,
        characters=len(question),
        turns=turns,
        context_tokens=estimate_tokens(body),
        has_code=has_code,
        needs=needs_of(body),
        tools=len(body.get("tools") or ()),
        code_lines=code_lines(examined) if has_code else 0,
        instructions=instructions,
        answer_fields=_answer_fields(body),
        feature=feature,
        user_tier=user_tier,
        quality=quality,
        retrieval_scores=retrieval_scores,
        retrieval_query_type=retrieval_query_type,
        metadata=metadata or {},
    )
