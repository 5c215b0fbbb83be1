"""Signals of difficulty beside the question: feature, metadata, retrieval, tools.

Each has a weight and a textual reason. Callers' own names are split into words: `legal_review` is
both legal and a review.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from streams.routing.features.request_features import Features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.article import (
    EXAMPLE_1_COMPLEX,
    EXAMPLE_1_SIMPLE,
    SECTION_4_COMPLEX,
    SECTION_4_SIMPLE,
)

Weighed = tuple[float, str]

_FEATURES = {
    **dict.fromkeys(SECTION_4_SIMPLE | EXAMPLE_1_SIMPLE, -0.3),
    **dict.fromkeys(SECTION_4_COMPLEX | EXAMPLE_1_COMPLEX, 0.3),
}
_EASY_WORK = frozenset(
    {
        "faq",
        "greeting",
        "classification",
        "classify",
        "extraction",
        "extract",
        "formatting",
        "tagging",
    }
    | {"lookup", "autocomplete", "intent", "sentiment", "triage", "label", "labelling", "support"}
    | {"routing", "status", "translation", "translate", "spellcheck", "title", "moderation"}
)
_HARD_WORK = frozenset(
    {"reasoning", "research", "analysis", "planning", "architecture", "design", "legal", "proof"}
    | {"codegen", "debugging", "review", "refactoring", "synthesis", "strategy", "audit", "medical"}
    | {"mathematics", "math", "maths", "diagnosis", "agent", "investigation", "forecast"}
)
_LEVEL_KEYS = frozenset(
    {"complexity", "difficulty", "effort", "priority", "importance", "severity"}
)
_TASK_KEYS = frozenset({"task", "task_type", "type", "intent", "category", "use_case", "kind"})
_EASY_LEVELS = frozenset({"low", "simple", "easy", "trivial", "basic", "minimal", "minor", "1"})
_HARD_LEVELS = frozenset({"high", "complex", "hard", "difficult", "critical", "expert", "max"})
_OPINIONS = frozenset({"complexity", "difficulty"})
"""Keys whose value describes the work itself; others describe its importance."""

_HIGHER_TIERS = frozenset({"paid", "pro", "premium", "plus", "enterprise", "business"})
_QUALITIES = {"economy": -0.05, "best": 0.05}
_TOOLS = {2: 0.015, 3: 0.04}
_MANY_TOOLS = 0.1
_WORD = re.compile(r"[a-z0-9]+")
_EXAMINED = 64

_SYNTHESIS = frozenset(
    {"synthesis", "comparison", "multi_hop", "multihop", "summary", "analysis", "analytical"}
    | {"multi_document", "aggregation", "reasoning"}
)
_DIRECT = frozenset(
    {"direct", "factual", "lookup", "faq", "single_hop", "extractive", "definition"}
)


def context_signals(features: Features, retrieval: RetrievalPolicy) -> Iterator[Weighed]:
    """Yield every signal beside the question."""
    if features.feature is not None:
        weight = _FEATURES.get(features.feature, 0.0) or _work(features.feature) * 0.15
        yield weight, f"feature {features.feature[:_EXAMINED]}"
    if features.metadata:
        yield from _metadata(features.metadata)
    if features.user_tier is not None and features.user_tier.lower() in _HIGHER_TIERS:
        yield 0.01, f"a {features.user_tier.lower()} user"
    if features.quality in _QUALITIES:
        yield _QUALITIES[features.quality], f"quality {features.quality}"
    if features.turns > 3:
        yield 0.08, f"{features.turns} turns of conversation"
    if features.tools > 1:
        yield _TOOLS.get(features.tools, _MANY_TOOLS), f"{features.tools} tools to choose from"
    if features.instructions > 4_000:
        yield 0.06, "long instructions"
    if features.answer_fields > 12:
        yield 0.08, f"an answer of {features.answer_fields} fields"
    if features.retrieval_scores or features.retrieval_query_type is not None:
        yield from _retrieval(features, retrieval)


def _work(name: str) -> int:
    """Return -1 for the name of easy work, 1 for that of hard work, else 0."""
    words = set(_WORD.findall(name[:_EXAMINED].lower()))
    return (not words.isdisjoint(_HARD_WORK)) - (not words.isdisjoint(_EASY_WORK))


def _metadata(metadata: Mapping[str, str]) -> Iterator[Weighed]:
    """Yield signals of keys and values in plain words; unknown ones have none."""
    for key in sorted(metadata.keys() & (_LEVEL_KEYS | _TASK_KEYS)):
        value = metadata[key][:_EXAMINED].lower()
        if key in _TASK_KEYS:
            yield _work(value) * 0.15, f"metadata says {key} {value}"
            continue
        level = (value in _HARD_LEVELS) - (value in _EASY_LEVELS)
        yield level * (0.3 if key in _OPINIONS else 0.08), f"metadata says {key} {value}"


def _retrieval(features: Features, policy: RetrievalPolicy) -> Iterator[Weighed]:
    """The article's RAG rule: strong chunks and a direct question go down, weak or synthesis up."""
    if features.retrieval_query_type in _SYNTHESIS:
        yield 0.25, f"retrieval for {features.retrieval_query_type}"
    elif features.retrieval_scores:
        if max(features.retrieval_scores) < policy.weak_score:
            yield 0.25, "retrieval found nothing relevant"
        elif retrieval_answers(features, policy):
            yield -0.25, "retrieval found the answer"


def retrieval_answers(features: Features, policy: RetrievalPolicy) -> bool:
    """Return whether strong passages accompany a direct question."""
    return (
        bool(features.retrieval_scores)
        and max(features.retrieval_scores) >= policy.confident_score
        and features.retrieval_query_type in (_DIRECT | {None})
    )
