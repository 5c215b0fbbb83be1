"""Our own rule classifier, and every rule classifier by its name.

A classifier gives a complexity score (0 easy .. 1 hard), the share of the way from the first to
the last tier, and reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from streams.routing.features import Features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.article import article_example_1, article_section_4
from streams.routing.rules.complexity import COMPLEX, MODERATE, SCORE_DIGITS, SIMPLE, Complexity
from streams.routing.rules.context import Weighed, context_signals
from streams.routing.rules.lexicon import Hit, plain
from streams.routing.rules.signals import (
    CODE_NOUNS,
    CONDITIONS,
    EXTRACT,
    GREETINGS,
    LEXICON,
    LOOKUPS,
    MAKES,
    MOST_PHRASES,
    SIGNALS,
)

__all__ = [
    "CLASSIFIERS",
    "COMPLEX",
    "MODERATE",
    "SCORE_DIGITS",
    "SIMPLE",
    "Classifier",
    "Complexity",
    "sluice_rules",
]

Classifier = Callable[[Features, RetrievalPolicy], Complexity]

_BASE = 0.24
_HEAD, _TAIL = 800, 500
"""Characters of a long question that are read, at its beginning and its end."""

_ASKED_FIRST, _ASKED_LAST = 350, 350
"""What is wanted stands in the first or last of these characters; between lies what it is about."""

_BETWEEN = 0.4
"""What a signal between them counts."""

_MADE_WITHIN = 60
"""Characters between "write" and "function" for it to be one request."""

_CODE = "asks for code"
_NUMBER = re.compile(r"\d+")
_BREAKS = ",;:?"
_FREE_BREAKS = 2
_SPARE_LOOKUP_WORDS = 25
_SHORT, _LONG = 32, 250
"""Words of a question, or sixths of its characters."""


def sluice_rules(seen: Features, retrieval: RetrievalPolicy) -> Complexity:
    """Our own rules: weighted signals of wording, size, code, structure, metadata and retrieval.

    Of a question longer than 1,300 characters the first 800 and the last 500 are read, so that a
    long prompt costs no more than a short one: what is asked stands in one of them, and between
    them lies what it is about.
    """
    found = [each for each in _signals(seen, retrieval) if abs(each[0]) >= 0.005]
    score = _BASE + sum(weight for weight, _ in found)
    found.sort(key=lambda item: -abs(item[0]))
    reasons = tuple(_worded(weight, reason) for weight, reason in found)
    return Complexity(
        score=round(min(max(score, 0.0), 1.0), SCORE_DIGITS),
        reasons=reasons or ("nothing stands out",),
    )


@lru_cache(maxsize=4_096)
def _worded(weight: float, reason: str) -> str:
    return f"{reason} ({weight:+.2f})"


def _signals(seen: Features, retrieval: RetrievalPolicy) -> Iterator[Weighed]:
    question = seen.question
    if len(question) > _HEAD + _TAIL:
        question = f"{question[:_HEAD]}\n{question[-_TAIL:]}"
    text = plain(question)
    hits = LEXICON.find(text)
    yield from context_signals(seen, retrieval)
    making = tuple(_making_and_conditions(hits))
    yield from making
    yield from _meanings(hits, len(text), is_made=any(reason == _CODE for _, reason in making))
    if seen.has_code:
        yield _code(seen.code_lines)
    size = max(text.count(" ") + 1, seen.characters // 6)
    yield _length(size)
    if 8 <= size < 120:
        breaks = sum(text.count(each) for each in _BREAKS) - _FREE_BREAKS
        if breaks > 0:
            yield min(0.03 * breaks, 0.12), "several things asked at once"
        numbers = len(_NUMBER.findall(text))
        if numbers >= 3:
            yield 0.06 if numbers < 6 else 0.1, f"{numbers} numbers to work with"
    if size < _SPARE_LOOKUP_WORDS:
        yield from _opening(text)


def _meanings(hits: list[Hit], size: int, *, is_made: bool) -> Iterator[Weighed]:
    """Each meaning once: its first phrase, and what further ones add. Code that extracts or
    formats is no small work.
    """
    phrases: dict[str, dict[str, bool]] = {}
    for meaning, phrase, begin, end in hits:
        if meaning in SIGNALS:
            asked = begin < _ASKED_FIRST or end > size - _ASKED_LAST
            said = phrases.setdefault(meaning, {})
            said[phrase] = asked or said.get(phrase, False)
    if is_made:
        phrases.pop(EXTRACT, None)
    for meaning, said in phrases.items():
        signal = SIGNALS[meaning]
        weight = signal.weight + signal.more * (min(len(said), MOST_PHRASES) - 1)
        if not any(said.values()):
            weight *= _BETWEEN
        yield weight, signal.reason


def _making_and_conditions(hits: list[Hit]) -> Iterator[Weighed]:
    """ "Write" or its like, and soon after it something made of code; conditions, counted."""
    made: int | None = None
    makes_code = False
    conditions = 0
    for meaning, _, begin, end in hits:
        if meaning == CONDITIONS:
            conditions += 1
        elif meaning == MAKES:
            made = end
        elif meaning == CODE_NOUNS and made is not None and begin - made <= _MADE_WITHIN:
            makes_code = True
    if makes_code:
        yield 0.3, _CODE
    if conditions >= 2:
        yield min(0.03 * conditions, 0.2), f"{conditions} conditions to hold together"


def _code(lines: int) -> Weighed:
    if lines < 12:
        return 0.18, "holds code"
    return 0.28, f"holds {lines} lines of code"


def _length(size: int) -> Weighed:
    """Among short questions every word counts a little; long ones are long by what they quote."""
    if size < _SHORT:
        return -0.08 + 0.08 * size / _SHORT, "short"
    return (0.04, "long") if size >= _LONG else (0.0, "of usual length")


def _opening(text: str) -> Iterator[Weighed]:
    first = text[:40].split(None, 1)
    word = first[0].strip("¿¡,.!?:;") if first else ""
    if word in GREETINGS:
        yield -0.12, "a greeting or thanks"
    elif word in LOOKUPS:
        yield -0.08, "a short everyday question"


CLASSIFIERS: dict[str, Classifier] = {
    "rules": sluice_rules,
    "article-4": article_section_4,
    "article-ex1": article_example_1,
}
"""Rule classifiers by their name in the registry."""
