"""The learned chance (0..1) that each tier's answer to a prompt is good."""

from __future__ import annotations

from streams.routing.landscape import Landscape
from streams.routing.learned.ngrams import Floats
from streams.routing.learned.tokens import Tokens
from streams.routing.rules.complexity import SCORE_DIGITS


def chances_of(prompt: str, landscape: Landscape) -> tuple[float, ...]:
    """The chances by tier of a prompt, rounded to 1e-6."""
    artifact = landscape.artifact
    if artifact is None:
        raise ValueError("the registry's policy names no artifact")
    return chances_in(artifact.prompt.predict(Tokens.of(prompt)), landscape)


def chances_in(expected: Floats, landscape: Landscape) -> tuple[float, ...]:
    """The chances by tier out of what the artifact expects of every column."""
    return tuple(
        round(min(max(float(expected[landscape.columns[tier]]), 0.0), 1.0), SCORE_DIGITS)
        for tier in landscape.tiers
    )
