"""What a provider call is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.records import ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """A call's body, the tokens and nano-USD that it is expected to use, and its purpose; its
    longest time in ms, where that is less than the policy's; the probability (0..1) with which it
    was drawn, where chance decided on it.
    """

    body: Mapping[str, Any]
    expected_tokens: int = 0
    expected_nano: int | None = None
    purpose: str = ANSWER
    limit_ms: float | None = None
    propensity: float | None = None
