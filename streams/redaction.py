"""Takes what identifies people, and what opens doors, out of text before it is stored.

Patterns find what has a form of its own; where Presidio is installed, its analyzer finds names and
places as well (https://microsoft.github.io/presidio). What is found is replaced by its kind:
`<email>`. Patterns are linear, and only the first 100,000 characters are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

MOST_CHARACTERS = 100_000

Finder = Callable[[str], str]
"""Gives a text with what it finds replaced."""

_PATTERNS: Mapping[str, str] = {
    "key": (
        r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,200}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,100}"
        r"|\bxox[abprs]-[A-Za-z0-9-]{10,100}|\beyJ[A-Za-z0-9_-]{10,400}\.[A-Za-z0-9_-]{10,2000}"
        r"\.[A-Za-z0-9_-]{10,400}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    ),
    "email": r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card": r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])",
    "ip": r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])",
    "phone": (
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){2,4}"
        r"(?![\w.])"
    ),
}
KINDS = tuple(_PATTERNS)
"""What can be taken out, in the order in which it is looked for."""

_PRESIDIO = "presidio_analyzer"
_CARD_DIGITS = range(13, 20)


def redact(text: str, kinds: Sequence[str]) -> str:
    """The text without what is of these kinds."""
    kept = text[:MOST_CHARACTERS]
    for kind in KINDS:
        if kind in kinds:
            kept = _pattern(kind).sub(partial(_replaced, kind), kept)
    return _names_out(kept) if kinds else kept


def _replaced(kind: str, match: re.Match[str]) -> str:
    found = match[0]
    if kind == "card" and not _is_card(found):
        return found
    if kind == "ip" and not all(int(part) < 256 for part in found.split(".")):
        return found
    return f"<{kind}>"


def _is_card(text: str) -> bool:
    """Whether digits keep Luhn's rule (ISO/IEC 7812-1), as card numbers do."""
    digits = [int(each) for each in text if each.isdigit()]
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = [
        digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
        for place, digit in enumerate(reversed(digits))
    ]
    return sum(doubled) % 10 == 0


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(_PATTERNS[kind])


def _names_out(text: str) -> str:
    finder = _presidio()
    return text if finder is None else finder(text)


@cache
def _presidio() -> Finder | None:
    """Presidio's analyzer, if it is installed."""
    if find_spec(_PRESIDIO) is None:
        return None
    engine: Any = import_module(_PRESIDIO).AnalyzerEngine()

    def find(text: str) -> str:
        for each in sorted(engine.analyze(text, language="en"), key=lambda one: -one.start):
            text = f"{text[: each.start]}<{each.entity_type.lower()}>{text[each.end :]}"
        return text

    return find
