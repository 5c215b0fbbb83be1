"""What stands beside the question and says how hard it is: feature, metadata, retrieval, tools.

Each gives a weight and its reason in words. Callers' own names are read by their words:
`legal_review` is both legal and a review.
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
"""Keys whose value speaks of the work itself; the others say how much depends on it."""

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


def context_signals(seen: Features, retrieval: RetrievalPolicy) -> Iterator[Weighed]:
    """Every signal that stands beside the question."""
    if seen.feature is not None:
        weight = _FEATURES.get(seen.feature, 0.0) or _work(seen.feature) * 0.15
        yield weight, f"feature {seen.feature[:_EXAMINED]}"
    if seen.metadata:
        yield from _metadata(seen.metadata)
    if seen.user_tier is not None and seen.user_tier.lower() in _HIGHER_TIERS:
        yield 0.01, f"a {seen.user_tier.lower()} user"
    if seen.quality in _QUALITIES:
        yield _QUALITIES[seen.quality], f"quality {seen.quality}"
    if seen.turns > 3:
        yield 0.08, f"{seen.turns} turns of conversation"
    if seen.tools > 1:
        yield _TOOLS.get(seen.tools, _MANY_TOOLS), f"{seen.tools} tools to choose from"
    if seen.instructions > 4_000:
        yield 0.06, "long instructions"
    if seen.answer_fields > 12:
        yield 0.08, f"an answer of {seen.answer_fields} fields"
    if seen.retrieval_scores or seen.retrieval_query_type is not None:
        yield from _retrieval(seen, retrieval)


def _work(name: str) -> int:
    """-1 for the name of easy work, 1 for that of hard work, else 0."""
    words = set(_WORD.findall(name[:_EXAMINED].lower()))
    return (not words.isdisjoint(_HARD_WORK)) - (not words.isdisjoint(_EASY_WORK))


def _metadata(metadata: Mapping[str, str]) -> Iterator[Weighed]:
    """Keys and values in plain words; what is not known says nothing."""
    for key in sorted(metadata.keys() & (_LEVEL_KEYS | _TASK_KEYS)):
        value = metadata[key][:_EXAMINED].lower()
        if key in _TASK_KEYS:
            yield _work(value) * 0.15, f"metadata says {key} {value}"
            continue
        level = (value in _HARD_LEVELS) - (value in _EASY_LEVELS)
        yield level * (0.3 if key in _OPINIONS else 0.08), f"metadata says {key} {value}"


def _retrieval(seen: Features, policy: RetrievalPolicy) -> Iterator[Weighed]:
    """The article's RAG rule: strong chunks and a direct question go down, weak or synthesis up."""
    if seen.retrieval_query_type in _SYNTHESIS:
        yield 0.25, f"retrieval for {seen.retrieval_query_type}"
    elif seen.retrieval_scores:
        if max(seen.retrieval_scores) < policy.weak_score:
            yield 0.25, "retrieval found nothing relevant"
        elif retrieval_answers(seen, policy):
            yield -0.25, "retrieval found the answer"


def retrieval_answers(seen: Features, policy: RetrievalPolicy) -> bool:
    """Whether strong passages stand beside a direct question."""
    return (
        bool(seen.retrieval_scores)
        and max(seen.retrieval_scores) >= policy.confident_score
        and seen.retrieval_query_type in (_DIRECT | {None})
    )
