"""The article's two heuristics, to the letter: features, word limits, request words, code."""

from __future__ import annotations

import pytest

from streams.routing.features.request_features import extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.classifier import CLASSIFIERS, COMPLEX, MODERATE, SIMPLE


def _score(name: str, question: str, feature: str | None = None) -> float:
    body = {"messages": [{"role": "user", "content": question}]}
    seen = extract_features(body, feature=feature)
    return CLASSIFIERS[name](seen, RetrievalPolicy()).score


def _words(number: int) -> str:
    return " ".join(["word"] * number)


@pytest.mark.parametrize(
    ("question", "score"),
    [
        (_words(19), SIMPLE),
        (_words(20), MODERATE),
        (_words(500), MODERATE),
        ("", SIMPLE),
        ("Explain it", MODERATE),
        ("compare them", MODERATE),
        ("ANALYZE this", MODERATE),
        ("write code", MODERATE),
        ("debug it", MODERATE),
        ("design it", MODERATE),
        ("redesigned", MODERATE),
        ("def f(x): refactor step by step", SIMPLE),
        ("explain ```x```", COMPLEX),
        ("explain def f", COMPLEX),
        ("explain class A", COMPLEX),
        ("explain function f", COMPLEX),
        ("explain import os", COMPLEX),
        ("explain Import os", MODERATE),
        ("explain importance", MODERATE),
        ("explain it Step By Step", COMPLEX),
        ("compare and contrast them", COMPLEX),
        ("explain the architecture", COMPLEX),
        ("design a system", COMPLEX),
        ("explain: write a complete text", COMPLEX),
        ("explain how to refactor", COMPLEX),
        (f"{_words(20)} refactor", COMPLEX),
    ],
)
def test_the_article_s_section_4_to_the_letter(question: str, score: float) -> None:
    assert _score("article-4", question) == score


@pytest.mark.parametrize(
    ("words", "score"),
    [(0, SIMPLE), (29, SIMPLE), (30, MODERATE), (200, MODERATE), (201, COMPLEX), (5_000, COMPLEX)],
)
def test_the_article_s_example_1_to_the_letter(words: int, score: float) -> None:
    assert _score("article-ex1", _words(words)) == score


FEATURES = {
    "article-4": (
        ("classification", "extraction", "formatting"),
        ("code_generation", "research", "multi_step_analysis"),
    ),
    "article-ex1": (
        ("faq", "status_check", "classification", "extraction"),
        ("code_review", "research_synthesis", "creative_writing"),
    ),
}


@pytest.mark.parametrize("name", FEATURES)
def test_the_article_s_features_precede_its_words(name: str) -> None:
    simple, hard = FEATURES[name]
    for feature in simple:
        question = f"explain step by step: ```{_words(300)}```"
        assert _score(name, question, feature) == SIMPLE
    for feature in hard:
        assert _score(name, "hi", feature) == COMPLEX
    assert _score(name, "hi", "something else") == SIMPLE


def test_neither_heuristic_uses_retrieval() -> None:
    body = {"messages": [{"role": "user", "content": _words(40)}]}
    for name in FEATURES:
        plain = CLASSIFIERS[name](extract_features(body), RetrievalPolicy())
        found = extract_features(body, retrieval_scores=(0.1,), retrieval_query_type="synthesis")
        assert CLASSIFIERS[name](found, RetrievalPolicy()) == plain
