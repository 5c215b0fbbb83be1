"""Result of a rule classifier: complexity of a request, and reasons."""

from __future__ import annotations

from dataclasses import dataclass

SIMPLE, MODERATE, COMPLEX = 0.0, 0.5, 1.0

SCORE_DIGITS = 6
"""Scores are rounded to 1e-6 before any threshold (design, law 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """Complexity of a request: score 0 (easy) .. 1 (hard), the relative position between the first
    and the last tier, and the reasons, strongest first.
    """

    score: float
    reasons: tuple[str, ...]
