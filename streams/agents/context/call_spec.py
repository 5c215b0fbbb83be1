"""Specification of a provider call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.records import ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """A call's body, purpose, and expected tokens and nano-USD; its timeout in ms if that is less
    than the policy's; the probability (0..1) of its draw, if it was drawn.
    """

    body: Mapping[str, Any]
    expected_tokens: int = 0
    expected_nano: int | None = None
    purpose: str = ANSWER
    limit_ms: float | None = None
    propensity: float | None = None
