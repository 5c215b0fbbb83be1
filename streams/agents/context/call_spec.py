"""Specification of a provider call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from schemas.records import ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """A call's body, the estimate of its input tokens, and its purpose; its timeout in ms if that
    is less than the policy's; the probability (0..1) of its draw, if it was drawn. With `stream`
    the parts of the answer are sent to the request's gateway as they arrive.
    """

    body: Mapping[str, Any]
    context_tokens: int
    purpose: str = ANSWER
    limit_ms: float = inf
    propensity: float | None = None
    stream: bool = False
