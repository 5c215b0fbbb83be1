"""Sluice's own rule classifier, and all rule classifiers by name.

A classifier returns a complexity score (0 easy .. 1 hard), the relative position between the first
and the last tier, and reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter

from streams.routing.complexity import COMPLEX, MODERATE, SCORE_DIGITS, SIMPLE, Complexity
from streams.routing.features.request_features import Features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.article import article_example_1, article_section_4
from streams.routing.rules.context import Weighed, context_signals, retrieval_answers
from streams.routing.rules.lexicon import plain
from streams.routing.rules.signals import LEXICON
from streams.routing.rules.size import bounded, latin_characters, length_weight, within_room
from streams.routing.rules.structured import beside_structured_data
from streams.routing.rules.wording import wording_signals

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

_BASE = 0.12
"""Score of a question of usual length without signals."""

_HEAD, _TAIL = 400, 300
"""Characters of a long question that are read, at its beginning and its end."""

_PASTED_LINES = 8

_SMALLEST = 0.005
"""Signals of lower weight are not reported."""


def sluice_rules(features: Features, retrieval: RetrievalPolicy) -> Complexity:
    """Sluice's own rules: weighted signals of wording, length, code, metadata and retrieval.

    Of a question longer than 700 characters the first 400 and the last 300 are read, so a long
    prompt takes no more time than a short one. The task is usually in one of them, and its material
    between them.
    """
    found = _signals(features, retrieval)
    score = _BASE
    weighed: list[tuple[float, float, str]] = []
    for weight, reason in found:
        score += weight
        if abs(weight) >= _SMALLEST:
            weighed.append((-abs(weight), weight, reason))
    weighed.sort(key=_by_size)
    return Complexity(
        score=round(bounded(score), SCORE_DIGITS),
        reasons=tuple([_worded(weight, reason) for _, weight, reason in weighed])
        or ("nothing stands out",),
    )


_by_size = itemgetter(0)


@lru_cache(maxsize=4_096)
def _worded(weight: float, reason: str) -> str:
    return f"{reason} ({weight:+.2f})"


def _signals(features: Features, retrieval: RetrievalPolicy) -> list[Weighed]:
    question = features.question
    if len(question) > _HEAD + _TAIL:
        question = f"{question[:_HEAD]}\n{question[-_TAIL:]}"
    size = latin_characters(question, features.characters)
    pasted = not features.has_code and question.count("\n") >= _PASTED_LINES
    given = retrieval_answers(features, retrieval)
    task = beside_structured_data(question)
    text = plain(question if task is None else task)
    wording = wording_signals(
        text, LEXICON.find(text), size, pasted=pasted, given=given, structured=task is not None
    )
    found = list(wording.signals)
    if features.has_code and task is None:
        found.append(_code(features.code_lines))
    weight = length_weight(size)
    if weight > 0:
        evidence = wording.evidence
        if evidence is None:
            evidence = sum(weight for weight, _ in found if weight > 0) - wording.doubtful
        weight = within_room(weight * wording.share_of_length, evidence)
    found.append((weight, "short" if weight < 0 else "long"))
    found.extend(context_signals(features, retrieval))
    return found


def _code(lines: int) -> Weighed:
    if lines < 12:
        return 0.18, "holds code"
    return 0.28, f"holds {lines} lines of code"


CLASSIFIERS: dict[str, Classifier] = {
    "rules": sluice_rules,
    "article-4": article_section_4,
    "article-ex1": article_example_1,
}
"""Rule classifiers by their name in the registry."""
