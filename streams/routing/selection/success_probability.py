"""The learned chance (0..1) that each tier's answer to a prompt is good."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routing.complexity import SCORE_DIGITS
from streams.routing.learned.ngrams import Floats, count_ngrams
from streams.routing.learned.text_numbers import text_numbers
from streams.routing.learned.tokens import Tokens
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Chances by tier of a prompt, and how much (0..1) it is like what was learned from; both are
    rounded to 1e-6.
    """

    chances: tuple[float, ...]
    familiarity: float


def foresee(prompt: str, snapshot: RegistrySnapshot) -> Foreseen:
    """What the policy's artifact says of a prompt.

    Raises:
        ValueError: the policy names none.
    """
    artifact = snapshot.artifact
    if artifact is None:
        raise ValueError("the registry's policy names no artifact")
    tokens = Tokens.of(prompt)
    numbers, ngrams = text_numbers(tokens), count_ngrams(tokens.all)
    return Foreseen(
        chances=chances_in(artifact.prompt.judge(numbers, ngrams), snapshot),
        familiarity=artifact.familiarity(numbers, ngrams),
    )


def chances_in(expected: Floats, snapshot: RegistrySnapshot) -> tuple[float, ...]:
    """The chances by tier out of what the artifact expects of every column."""
    return tuple(
        round(min(max(float(expected[snapshot.columns[tier]]), 0.0), 1.0), SCORE_DIGITS)
        for tier in snapshot.tiers
    )
