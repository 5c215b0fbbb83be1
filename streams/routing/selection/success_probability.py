"""Learned probability (0..1) that each tier's answer to a prompt is good."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routing.complexity import SCORE_DIGITS
from streams.routing.learned.ngrams import Floats, count_ngrams
from streams.routing.learned.text_numbers import text_numbers
from streams.routing.learned.tokens import Tokens
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Success probabilities of a prompt by tier, and its similarity (0..1) to the training data;
    both rounded to 1e-6.
    """

    chances: tuple[float, ...]
    familiarity: float


def predict_success(prompt: str, snapshot: RegistrySnapshot) -> Foreseen:
    """Return the prediction of the policy's artifact for a prompt.

    Raises:
        ValueError: the policy names no artifact.
    """
    artifact = snapshot.artifact
    if artifact is None:
        raise ValueError("the registry's policy names no artifact")
    tokens = Tokens.of(prompt)
    numbers, ngrams = text_numbers(tokens), count_ngrams(tokens.all)
    return Foreseen(
        chances=success_probabilities(artifact.prompt.judge(numbers, ngrams), snapshot),
        familiarity=artifact.familiarity(numbers, ngrams),
    )


def success_probabilities(expected: Floats, snapshot: RegistrySnapshot) -> tuple[float, ...]:
    """Return the probabilities by tier from the artifact's expected scores of every column."""
    return tuple(
        round(min(max(float(expected[snapshot.columns[tier]]), 0.0), 1.0), SCORE_DIGITS)
        for tier in snapshot.tiers
    )
