"""What a rule classifier says of a request: how complex it is, and why."""

from __future__ import annotations

from dataclasses import dataclass

SIMPLE, MODERATE, COMPLEX = 0.0, 0.5, 1.0

SCORE_DIGITS = 6
"""Scores are rounded to 1e-6 before any threshold (design, law 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """A classifier's verdict: score 0 (easy) .. 1 (hard), the share of the way from the first to
    the last tier, and the reasons for it, strongest first.
    """

    score: float
    reasons: tuple[str, ...]
