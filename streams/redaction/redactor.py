"""Redaction of personal data and secrets from text before it is stored.

Patterns find formatted data; if Presidio is installed, its analyzer finds names and places too
(https://microsoft.github.io/presidio). A match is replaced by its kind: `<email>`. Patterns are
linear, and only the first 25,000 characters are kept, 100,000 without redaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from streams.redaction.keys import without_keys
from streams.redaction.personal_data import FORMS

MOST_CHARACTERS = 100_000
MOST_SEARCHED = 25_000
"""Characters of which nothing but marks of secrets take 45 ms (measured), during which a worker
does nothing else.
"""

Finder = Callable[[str], str]
"""Returns a text with its matches replaced."""

_FINDERS: dict[str, Finder] = {"key": without_keys, **FORMS}
KINDS = tuple(_FINDERS)
"""The kinds of redaction, in the order in which they run."""

_PRESIDIO = "presidio_analyzer"


def redact(text: str, kinds: Sequence[str]) -> str:
    """Return the text without data of these kinds."""
    kept = text[: MOST_SEARCHED if kinds else MOST_CHARACTERS]
    for kind, without in _FINDERS.items():
        if kind in kinds:
            kept = without(kept)
    return _names_out(kept) if kinds else kept


def _names_out(text: str) -> str:
    finder = _presidio()
    return text if finder is None else finder(text)


@cache
def _presidio() -> Finder | None:
    """Return Presidio's analyzer, if it is installed."""
    if find_spec(_PRESIDIO) is None:
        return None
    engine: Any = import_module(_PRESIDIO).AnalyzerEngine()

    def find(text: str) -> str:
        for each in sorted(engine.analyze(text, language="en"), key=lambda one: -one.start):
            text = f"{text[: each.start]}<{each.entity_type.lower()}>{text[each.end :]}"
        return text

    return find
