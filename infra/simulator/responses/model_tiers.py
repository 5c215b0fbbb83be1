"""Strength of a model by its name, and the name of its recorded answers."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

SIMPLE, MODERATE, COMPLEX = "simple", "moderate", "complex"

DEFAULT_ALIASES: Mapping[str, str] = {
    "claude-opus-4-20250514": "claude-3-5-sonnet-20241022",
    "o1": "o1-mini-2024-09-12",
}
"""Aliases of models without recorded answers: the strongest model of their vendor."""

_COMPLEX = re.compile(r"opus|(^|/)o[134](-|$)|gpt-5(?!-(mini|nano))|reasoner|(^|[-/])r1(-|$)|405b")
_REASONING = re.compile(r"o[134](-|$)|gpt-5")
_SIMPLE = re.compile(
    r"mini|nano|haiku|flash|small|tiny|lite|phi-|gemma|instant|gpt-3\.5|(^|[-_])[1-9]\d?b(-|$)"
)
_LARGE = re.compile(r"(^|[-_])[3-9]\db(-|$)")
_DATED = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d|\d{4})$")


def strength_of(model: str) -> str:
    """Return `simple`, `moderate` or `complex`; moderate for unknown names."""
    name = model.lower()
    if _COMPLEX.search(name):
        return COMPLEX
    return SIMPLE if _SIMPLE.search(name) and not _LARGE.search(name) else MODERATE


def is_reasoning(model: str) -> bool:
    """Return whether a model bills reasoning tokens."""
    return _REASONING.match(model.rpartition("/")[2]) is not None and "chat" not in model


def recorded_name(model: str, recorded: Iterable[str], aliases: Mapping[str, str]) -> str | None:
    """Return the name with a model's recorded answers: its own, the same with or without its date,
    or its alias's; `None` without any.
    """
    names = list(recorded)
    for candidate in (model, aliases.get(model), DEFAULT_ALIASES.get(model)):
        if candidate is not None:
            found = _same_model(candidate, names)
            if found is not None:
                return found
    return None


def _same_model(model: str, names: Container[str] | Iterable[str]) -> str | None:
    if isinstance(names, list) and model in names:
        return model
    bare = _DATED.sub("", model)
    same = sorted(name for name in names if _DATED.sub("", name) == bare)  # type: ignore[union-attr]
    return same[-1] if same else None
