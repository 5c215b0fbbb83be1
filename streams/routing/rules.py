"""Rule classifiers: the article's two, word for word in their limits, and our own.

A classifier gives a complexity score (0 easy .. 1 hard), the share of the way from the first to
the last tier, and reasons. The article's rules name three fixed classes; those are spread over
however many tiers the registry has. Sources: the article, section 4 step 2 (`article-4`) and
section 6 example 1 (`article-ex1`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.routing.features import Features
from streams.routing.policy import RetrievalPolicy
from streams.routing.wording import Phrases, Wording

SIMPLE, MODERATE, COMPLEX = 0.0, 0.5, 1.0

SCORE_DIGITS = 6
"""Scores are rounded to 1e-6 before any threshold (design, law 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """A classifier's verdict: score 0..1 and the reasons for it, strongest first."""

    score: float
    reasons: tuple[str, ...]


Classifier = Callable[[Features, RetrievalPolicy], Complexity]

_ARTICLE_SIMPLE_FEATURES = frozenset({"classification", "extraction", "formatting"})
_ARTICLE_COMPLEX_FEATURES = frozenset({"code_generation", "research", "multi_step_analysis"})
_ARTICLE_REQUEST_WORDS = ("explain", "compare", "analyze", "write code", "debug", "design")
_ARTICLE_CODE = re.compile(r"```|def |class |function |import ")
_ARTICLE_SIGNALS = (
    "step by step",
    "compare and contrast",
    "architecture",
    "design a system",
    "write a complete",
    "refactor",
)
_EXAMPLE_SIMPLE_FEATURES = frozenset({"faq", "status_check", "classification", "extraction"})
_EXAMPLE_COMPLEX_FEATURES = frozenset({"code_review", "research_synthesis", "creative_writing"})


def article_section_4(seen: Features, _: RetrievalPolicy) -> Complexity:
    """The article's section 4: features, then under 20 words without a request word, then code."""
    if seen.feature in _ARTICLE_SIMPLE_FEATURES:
        return Complexity(score=SIMPLE, reasons=(f"feature {seen.feature} is simple",))
    if seen.feature in _ARTICLE_COMPLEX_FEATURES:
        return Complexity(score=COMPLEX, reasons=(f"feature {seen.feature} is complex",))
    lowered = seen.question.lower()
    if seen.words < 20 and not any(word in lowered for word in _ARTICLE_REQUEST_WORDS):
        return Complexity(score=SIMPLE, reasons=("under 20 words, no request word",))
    if _ARTICLE_CODE.search(seen.question):
        return Complexity(score=COMPLEX, reasons=("holds code",))
    signal = next((signal for signal in _ARTICLE_SIGNALS if signal in lowered), None)
    if signal:
        return Complexity(score=COMPLEX, reasons=(f'says "{signal}"',))
    return Complexity(score=MODERATE, reasons=("no rule applies",))


def article_example_1(seen: Features, _: RetrievalPolicy) -> Complexity:
    """The article's example 1: features, then under 30 words, then over 200."""
    if seen.feature in _EXAMPLE_SIMPLE_FEATURES:
        return Complexity(score=SIMPLE, reasons=(f"feature {seen.feature} is simple",))
    if seen.feature in _EXAMPLE_COMPLEX_FEATURES:
        return Complexity(score=COMPLEX, reasons=(f"feature {seen.feature} is complex",))
    if seen.words < 30:
        return Complexity(score=SIMPLE, reasons=("under 30 words",))
    if seen.words > 200:
        return Complexity(score=COMPLEX, reasons=("over 200 words",))
    return Complexity(score=MODERATE, reasons=("30 to 200 words",))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    """One thing to see in the question, and what it adds to the score."""

    phrases: Phrases
    weight: float
    reason: str


def _signal(weight: float, reason: str, *phrases: str) -> _Signal:
    return _Signal(phrases=Phrases.of(*phrases), weight=weight, reason=reason)


_SIGNALS: Sequence[_Signal] = (
    _signal(
        0.35,
        "asks for a proof or a derivation",
        *("prove", "proof", "derive", "theorem", "integral", "polynomial", "probability that"),
    ),
    _signal(
        0.3,
        "asks for engineering judgement",
        *("refactor", "debug", "race condition", "deadlock", "time complexity", "thread safe"),
        *("optimize", "optimise"),
    ),
    _signal(
        0.3,
        "asks for a design",
        *("architect", "architecture", "design a", "design an", "design the", "trade off"),
        *("trade offs", "tradeoff", "tradeoffs", "migration plan", "migration strategy"),
    ),
    _signal(
        0.2,
        "asks for several steps",
        *("step by step", "think through", "think carefully", "reason", "reasoning", "work out"),
    ),
    _signal(
        0.2,
        "asks for analysis",
        *("compare", "contrast", "evaluate", "critique", "analyze", "analyse", "assess"),
        *("synthesize", "synthesise", "reconcile"),
    ),
    _signal(
        0.15,
        "asks for a computation",
        *("how many", "what is the sum", "what is the product", "what is the value"),
        *("what is the output", "predict the output", "calculate", "solve"),
    ),
    _signal(0.08, "asks for an explanation", "explain", "why", "describe how"),
    _signal(
        0.12,
        "asks for a long text",
        *("essay", "story", "poem", "report", "proposal", "article", "speech"),
    ),
    _signal(
        -0.05,
        "transforms a given text",
        *("translate", "summarize", "summarise", "rewrite", "rephrase", "shorten"),
    ),
    _signal(
        -0.15,
        "extracts, labels or formats",
        *("extract", "classify", "label", "categorize", "categorise", "format", "convert"),
        *("yes or no", "true or false", "one word"),
    ),
)
_EVERYDAY = _signal(
    -0.12,
    "a short everyday question",
    *("hi", "hello", "thanks", "thank you", "what are your", "where is", "when is", "when does"),
    *("who is", "who was", "how do i"),
)
_MAKES = frozenset({"write", "implement", "build", "create"})
_OF_CODE = frozenset(
    f"{noun}{plural}"
    for noun in ("function", "class", "program", "script", "parser", "algorithm", "service", "test")
    for plural in ("", "s")
) | {"query", "queries", "classes"}
_MADE_WITHIN = 7
"""Words between "write" and "function" for it to be one request."""

_FEATURE_WEIGHTS = {
    **dict.fromkeys(_ARTICLE_SIMPLE_FEATURES | _EXAMPLE_SIMPLE_FEATURES, -0.3),
    **dict.fromkeys(_ARTICLE_COMPLEX_FEATURES | _EXAMPLE_COMPLEX_FEATURES, 0.35),
}
_BASE = 0.22
_CONDITIONS = frozenset(
    {"if", "then", "unless", "each", "every", "exactly", "except", "must", "given"}
)
_BOUNDS = ("at least", "at most")
_EXAMINED_CHARACTERS = 8_000
_SYNTHESIS = frozenset({"synthesis", "comparison", "multi_hop", "summary", "analysis"})
_DIRECT = frozenset({"direct", "factual", "lookup", "faq"})


def sluice_rules(seen: Features, retrieval: RetrievalPolicy) -> Complexity:
    """Our own rules: weighted signals over length, wording, code, structure and retrieval.

    Weights were set by hand from the article's signals; nothing is fitted. Only the first 8,000
    characters of the question are matched, so that a long prompt costs no more than a page.
    """
    found: list[tuple[float, str]] = []
    wording = Wording.of(seen.question[:_EXAMINED_CHARACTERS])
    if seen.feature in _FEATURE_WEIGHTS:
        found.append((_FEATURE_WEIGHTS[seen.feature], f"feature {seen.feature}"))
    found.append(_length_signal(seen.words, seen.characters))
    if seen.has_code:
        found.append((0.25, "holds code"))
    found.extend(
        (signal.weight, signal.reason) for signal in _SIGNALS if wording.says(signal.phrases)
    )
    if wording.follows(_MAKES, _OF_CODE, within=_MADE_WITHIN):
        found.append((0.3, "asks for code"))
    if wording.begins(_EVERYDAY.phrases):
        found.append((_EVERYDAY.weight, _EVERYDAY.reason))
    conditions = wording.count(_CONDITIONS, _BOUNDS)
    if conditions >= 4:
        found.append((min(0.03 * conditions, 0.2), f"{conditions} conditions to hold together"))
    if seen.turns > 3:
        found.append((0.08, f"{seen.turns} turns of conversation"))
    if seen.tools > 3:
        found.append((0.1, f"{seen.tools} tools to choose from"))
    if signal := _retrieval_signal(seen, retrieval):
        found.append(signal)
    score = _BASE + sum(weight for weight, _ in found)
    ranked = sorted((item for item in found if item[0]), key=lambda item: -abs(item[0]))
    reasons = tuple(f"{reason} ({weight:+.2f})" for weight, reason in ranked)
    return Complexity(
        score=round(min(max(score, 0.0), 1.0), SCORE_DIGITS),
        reasons=reasons or ("nothing stands out",),
    )


def _length_signal(words: int, characters: int) -> tuple[float, str]:
    size = max(words, characters // 6)
    if size < 15:
        return -0.12, "very short"
    if size < 60:
        return 0.0, "short"
    if size < 250:
        return 0.1, "some length"
    return 0.2, "long"


def _retrieval_signal(seen: Features, policy: RetrievalPolicy) -> tuple[float, str] | None:
    """The article's RAG rule: strong chunks and a direct question go down, weak or synthesis up."""
    if seen.retrieval_query_type in _SYNTHESIS:
        return 0.25, f"retrieval for {seen.retrieval_query_type}"
    if not seen.retrieval_scores:
        return None
    best = max(seen.retrieval_scores)
    if best < policy.weak_score:
        return 0.25, "retrieval found nothing relevant"
    if best >= policy.confident_score and seen.retrieval_query_type in (_DIRECT | {None}):
        return -0.25, "retrieval found the answer"
    return None


CLASSIFIERS: dict[str, Classifier] = {
    "rules": sluice_rules,
    "article-4": article_section_4,
    "article-ex1": article_example_1,
}
"""Rule classifiers by their name in the registry."""
