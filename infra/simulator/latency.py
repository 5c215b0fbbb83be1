"""Latency of simulated models: lognormal by median and 95th percentile, keyed by call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from infra.simulator.draws import Chance
from infra.simulator.responses.model_tiers import COMPLEX, MODERATE, SIMPLE, strength_of

EVERY_MODEL = "*"

_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A distribution, in ms; a median of 0 means no wait."""

    median_ms: float
    p95_ms: float

    def at(self, share: float) -> float:
        """Return the quantile `share` in (0, 1), in ms."""
        if self.median_ms <= 0:
            return 0.0
        sigma = math.log(max(self.p95_ms / self.median_ms, 1.0)) / _Z95
        return self.median_ms * math.exp(sigma * _NORMAL.inv_cdf(share))


BY_STRENGTH: Mapping[str, Latency] = {
    SIMPLE: Latency(median_ms=300, p95_ms=700),
    MODERATE: Latency(median_ms=800, p95_ms=1_800),
    COMPLEX: Latency(median_ms=2_000, p95_ms=4_500),
}
"""Latency of models of a strength, by the article's table."""


def latency_from(document: Mapping[str, Any]) -> Latency:
    """Return a distribution from `median_ms` and `p95_ms`, twice the median by default.

    Raises:
        ValueError: a number is missing or negative, or not a number.
    """
    median = document.get("median_ms")
    p95 = document.get("p95_ms", median * 2 if isinstance(median, int | float) else None)
    if not isinstance(median, int | float) or not isinstance(p95, int | float) or median < 0:
        raise ValueError("a latency requires median_ms >= 0; p95_ms defaults to twice the median")
    return Latency(median_ms=median, p95_ms=p95)


class LatencyTable:
    """Distributions by model; `*` is for all others, else their strength's."""

    def __init__(self, chance: Chance, table: Mapping[str, Latency] | None = None) -> None:
        self._chance = chance
        self.table: dict[str, Latency] = dict(table or {})

    def delay_s(self, model: str, call_id: str) -> float:
        """Return the latency of this call, in seconds."""
        found = self.table.get(model) or self.table.get(EVERY_MODEL)
        found = found or BY_STRENGTH[strength_of(model)]
        if found.median_ms <= 0:
            return 0.0
        return found.at(self._chance.draw("latency", call_id)) / 1000
