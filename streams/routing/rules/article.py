"""The article's two rule classifiers, with its exact limits.

They have three fixed classes, which are spread over the tiers of the registry. Sources: the
article, section 4 step 2 (`article-4`) and section 6 example 1 (`article-ex1`).
"""

from __future__ import annotations

import re

from streams.routing.complexity import COMPLEX, MODERATE, SIMPLE, Complexity
from streams.routing.features.request_features import Features
from streams.routing.policy import RetrievalPolicy

SECTION_4_SIMPLE = frozenset({"classification", "extraction", "formatting"})
SECTION_4_COMPLEX = frozenset({"code_generation", "research", "multi_step_analysis"})
_REQUEST_WORDS = ("explain", "compare", "analyze", "write code", "debug", "design")
_CODE = re.compile(r"```|def |class |function |import ")
_SIGNALS = (
    "step by step",
    "compare and contrast",
    "architecture",
    "design a system",
    "write a complete",
    "refactor",
)
EXAMPLE_1_SIMPLE = frozenset({"faq", "status_check", "classification", "extraction"})
EXAMPLE_1_COMPLEX = frozenset({"code_review", "research_synthesis", "creative_writing"})


def article_section_4(features: Features, _: RetrievalPolicy) -> Complexity:
    """The article's section 4: features, then under 20 words without a request word, then code."""
    if features.feature in SECTION_4_SIMPLE:
        return Complexity(score=SIMPLE, reasons=(f"feature {features.feature} is simple",))
    if features.feature in SECTION_4_COMPLEX:
        return Complexity(score=COMPLEX, reasons=(f"feature {features.feature} is complex",))
    lowered = features.question.lower()
    if features.words < 20 and not any(word in lowered for word in _REQUEST_WORDS):
        return Complexity(score=SIMPLE, reasons=("under 20 words, no request word",))
    if _CODE.search(features.question):
        return Complexity(score=COMPLEX, reasons=("holds code",))
    signal = next((signal for signal in _SIGNALS if signal in lowered), None)
    if signal:
        return Complexity(score=COMPLEX, reasons=(f'says "{signal}"',))
    return Complexity(score=MODERATE, reasons=("no rule applies",))


def article_example_1(features: Features, _: RetrievalPolicy) -> Complexity:
    """The article's example 1: features, then under 30 words, then over 200."""
    if features.feature in EXAMPLE_1_SIMPLE:
        return Complexity(score=SIMPLE, reasons=(f"feature {features.feature} is simple",))
    if features.feature in EXAMPLE_1_COMPLEX:
        return Complexity(score=COMPLEX, reasons=(f"feature {features.feature} is complex",))
    if features.words < 30:
        return Complexity(score=SIMPLE, reasons=("under 30 words",))
    if features.words > 200:
        return Complexity(score=COMPLEX, reasons=("over 200 words",))
    return Complexity(score=MODERATE, reasons=("30 to 200 words",))
