"""Phrases written as lines of text, separated by `|`."""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]
"""Phrases of one language by concept; the concepts are named in `signals`."""


def listed(text: str) -> tuple[str, ...]:
    """Return the phrases of a text: `a | b` on each line."""
    return tuple(
        phrase.strip() for line in text.strip().splitlines() for phrase in line.split(" | ")
    )
