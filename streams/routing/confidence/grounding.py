"""Check whether an answer is grounded in its context.

Only names and numbers that do not occur in the conversation count, if there are several, in an
answer that must come from a given text. Tasks that compute, write or translate may add names and
numbers. A paraphrase adds none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from streams.routing.confidence.language import language_of
from streams.routing.features.request_features import both_ends, question_of, text_of
from streams.routing.features.wording import Phrases, Wording

MIN_CONTEXT_WORDS = 30
MIN_UNFOUNDED = 2
UNFOUNDED_SHARE = 0.6
"""An answer is ungrounded if this many of its claims, and this share of them, do not occur."""

_EXAMINED_CHARACTERS = 20_000
_ANNOUNCES = re.compile(
    r"(?:^|\n)\s{0,8}(?:#{1,4} ?|\*\*|<)?(?:context|documents?|passages?|excerpts?|sources?|article"
    r"|retrieved|search results|knowledge base|kontext|dokument|contexte|contexto|contesto)\b"
    r"[^\n]{0,40}?[:>]",
    re.IGNORECASE,
)
_MAKES_NEW = Phrases.of(
    *("calculate", "compute", "sum", "total", "average", "how many", "how much", "difference"),
    *("percentage", "convert", "estimate", "translate", "write", "draft", "compose", "invent"),
    *("suggest", "brainstorm", "imagine", "story", "poem", "compare", "code", "plan", "advise"),
)
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]{0,60}\d(?![\w])")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]{2,40}")
_WORD = re.compile(r"[\w'’-]+")


def ungrounded(body: Mapping[str, Any], message: Mapping[str, Any], _: str) -> str | None:
    """Return the claims of an answer that its context does not contain; `None` if undecidable."""
    messages = body.get("messages") or ()
    given = _context_of(messages)
    answer = text_of(message.get("content"))[:_EXAMINED_CHARACTERS]
    if given is None or Wording.of(_question(messages)).contains(_MAKES_NEW):
        return None
    if language_of(given) != language_of(answer):
        return None
    known = {word.lower() for word in _WORD.findall(given)}
    numbers = {_plain(number) for number in _NUMBER.findall(given)}
    names = [word for word in _NAME.findall(answer) if not _is_known(word.lower(), known)]
    counts = [each for each in map(_plain, _NUMBER.findall(answer)) if each not in numbers]
    unfounded = len(set(names)) + len(set(counts))
    claims = len(set(_NAME.findall(answer))) + len(set(map(_plain, _NUMBER.findall(answer))))
    if unfounded < MIN_UNFOUNDED or unfounded < UNFOUNDED_SHARE * claims:
        return None
    return f"{unfounded} of {claims} names and numbers stand nowhere in the given context"


def _context_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the whole conversation, if part of it is announced as context to answer from."""
    texts = [text_of(message.get("content"))[:_EXAMINED_CHARACTERS] for message in messages]
    whole = "\n".join(texts)[:_EXAMINED_CHARACTERS]
    if _ANNOUNCES.search(whole) is None or len(whole.split()) < MIN_CONTEXT_WORDS:
        return None
    return whole


def _question(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the question beside its context: the last user turn's first and last paragraph."""
    paragraphs = [part for part in both_ends(question_of(messages)).split("\n") if part.strip()]
    return " ".join((paragraphs[0], paragraphs[-1])) if paragraphs else ""


def _plain(number: str) -> str:
    return number.replace(",", "").rstrip(".")


def _is_known(word: str, known: set[str]) -> bool:
    return word in known or word.removesuffix("s") in known or word.partition("'")[0] in known
