"""Totals of many replies: outcomes, tiers, cost, latency. Cost is summed exactly, in nano-USD."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemas.records import NANO
from streams.client.request_outcome import ReceivedReply


@dataclass(slots=True)
class SendTotals:
    """Counts while replies arrive. `unknown_cost` counts replies whose cost is null."""

    statuses: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    escalated: int = 0
    degraded: int = 0
    unknown_cost: int = 0
    cost_nano: int = 0
    compared_cost_nano: int = 0
    baseline_nano: int = 0
    waited_ms: list[float] = field(default_factory=list)

    @property
    def replies(self) -> int:
        """Return the number of replies."""
        return sum(self.statuses.values())

    @property
    def saved_share(self) -> float | None:
        """Return the savings against the baseline, 0..1, over replies with both figures."""
        if self.baseline_nano == 0:
            return None
        return 1 - self.compared_cost_nano / self.baseline_nano

    def take(self, received: ReceivedReply) -> None:
        """Count a reply."""
        reply = received.reply
        self.statuses[reply.status] += 1
        self.waited_ms.append(received.waited_ms)
        if reply.tier:
            self.tiers[reply.tier] += 1
        if reply.error is not None:
            self.errors[reply.error.code] += 1
        self.escalated += len(reply.tiers_tried) > 1
        self.degraded += reply.degraded
        cost, baseline = reply.cost_nano, reply.baseline_cost_nano
        if cost is None:
            self.unknown_cost += 1
        else:
            self.cost_nano += cost
            if baseline is not None:
                self.compared_cost_nano += cost
                self.baseline_nano += baseline

    def percentile_ms(self, share: float) -> float | None:
        """Return a percentile of the latency, ms; `None` before the first reply."""
        if not self.waited_ms:
            return None
        ordered = sorted(self.waited_ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def as_document(self) -> dict[str, Any]:
        """Return the totals for `--json`; cost in USD."""
        return {
            "replies": self.replies,
            "statuses": dict(self.statuses),
            "errors": dict(self.errors),
            "tiers": dict(self.tiers),
            "escalated": self.escalated,
            "degraded": self.degraded,
            "cost_usd": self.cost_nano / NANO,
            "baseline_cost_usd": self.baseline_nano / NANO,
            "saved_share": self.saved_share,
            "unknown_cost": self.unknown_cost,
            "p50_ms": self.percentile_ms(0.5),
            "p95_ms": self.percentile_ms(0.95),
            "p99_ms": self.percentile_ms(0.99),
        }
