"""Policy of routing decisions: plain values, built from a registry version (`streams.registry`).

Values with bounds are sections of the registry file as they are: pydantic validates them there, and
their docstrings are descriptions in its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from annotated_types import Ge, Gt, Le

JUDGE: Final = "judge"
"""The second opinion that calls a model; the other one is `consistency`."""

BY_THRESHOLD, BY_WORTH = "threshold", "worth"
IMMEDIATE: Final = "immediate"
"""Streaming that ends the cascade of a streamed request at its first answer."""

STOPS = (BY_THRESHOLD, BY_WORTH)
"""Stopping rules of a cascade."""

Share = Annotated[float, Ge(0), Le(1)]
Milliseconds = Annotated[float, Gt(0), Le(3_600_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRule:
    """Routes matching requests to a tier without classification.

    Every field that is set must match; a field matches any of its values.
    """

    tier: str
    features: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    user_tiers: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyBand:
    """Confidences (`low` included, `high` not) that get a second opinion.

    `look: judge` calls `policy.judge`; `look: consistency` samples the same model `samples` more
    times and takes their agreement. The result has weight `weight`, the confidence the rest.
    `share` of the cases, by a draw, gets a second opinion.
    """

    low: Share = 0.4
    high: Share = 0.8
    look: Literal["consistency", "judge"] = JUDGE
    samples: Annotated[int, Ge(1), Le(5)] = 2
    weight: Share = 0.7
    share: Share = 1.0

    def holds(self, confidence: float) -> bool:
        """Return whether a confidence is in the band."""
        return self.low <= confidence < self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePolicy:
    """Conditions under which a cascade stops.

    `scorer` names the confidence. An answer below its tier's threshold (0..1) escalates, over at
    most `max_hops` tiers in all. With `stop` at `worth` and no threshold set for its tier, it
    escalates when the expected gain is worth the cost. `logprobs` requests token probabilities of
    models that support it.
    """

    enabled: bool = True
    scorer: str = "checks"
    stop: str = BY_THRESHOLD
    thresholds: Mapping[str, float] = field(default_factory=dict)
    default_threshold: float = 0.5
    max_hops: int = 3
    grey: UncertaintyBand | None = None
    logprobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPolicy:
    """Behaviour of a hop after errors. `wait`: if no model is available for temporary reasons, the
    request is parked on the log until its deadline; else it fails at once.
    """

    retries: Annotated[int, Ge(0), Le(5)] = 1
    backoff_ms: Milliseconds = 250.0
    max_backoff_ms: Milliseconds = 5_000.0
    max_calls_per_hop: Annotated[int, Ge(1), Le(20)] = 6
    wait: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalPolicy:
    """Scores at which retrieval moves a request down (all of them confident, with a direct
    question) or up.
    """

    confident_score: Share = 0.75
    weak_score: Share = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimeouts:
    """Timeouts of one provider call."""

    connect_ms: Milliseconds = 5_000.0
    read_ms: Milliseconds = 60_000.0
    total_ms: Milliseconds = 60_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedPolicy:
    """Column of the learned artifact for a tier or a model, where names differ."""

    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridPolicy:
    """Second classifier of `hybrid`, and the distance to a boundary at which it is used."""

    asks: Literal["learned", "llm"] = "learned"
    margin: Share = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedModel:
    """A model that routing itself calls: its registry name, and the timeout in ms."""

    model: str
    timeout_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPolicy:
    """Calls another tier as well, for `share` (0..1) of the answered requests, for training data.

    All workers together spend at most `nano_per_day` on it (nano-USD, a day of 24 hours).
    """

    share: float
    nano_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePolicy:
    """Overrides for one feature; unset fields use the policy's."""

    quality: str | None = None
    boundaries: tuple[float, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All parameters of a decision.

    `boundaries` are the scores (0..1, ascending) at which each tier after the first begins.
    `streaming` says when a streamed answer is sent: `checked`, once nothing can replace it, or
    `IMMEDIATE`.
    """

    classifier: str
    boundaries: tuple[float, ...] = ()
    learned: LearnedPolicy = LearnedPolicy()
    hybrid: HybridPolicy = HybridPolicy()
    llm: AskedModel | None = None
    judge: AskedModel | None = None
    shadow: ShadowPolicy | None = None
    per_feature: Mapping[str, FeaturePolicy] = field(default_factory=dict)
    static_rules: tuple[StaticRule, ...] = ()
    default_quality: str = "balanced"
    cascade: CascadePolicy = CascadePolicy()
    fallback: FallbackPolicy = FallbackPolicy()
    retrieval: RetrievalPolicy = RetrievalPolicy()
    timeouts: CallTimeouts = CallTimeouts()
    streaming: str = "checked"

    def boundaries_for(self, feature: str | None) -> tuple[float, ...]:
        """Return the boundaries for a feature; empty if none are set."""
        own = self.per_feature.get(feature or "")
        return own.boundaries if own is not None and own.boundaries else self.boundaries

    def threshold(self, tier: str, feature: str | None = None) -> float:
        """Return the confidence (0..1) that an answer of this tier needs."""
        found = self.threshold_set(tier, feature)
        return self.cascade.default_threshold if found is None else found

    def threshold_set(self, tier: str, feature: str | None = None) -> float | None:
        """Return the threshold set for a tier: by the feature, else by the cascade, else `None`."""
        own = self.per_feature.get(feature or "")
        if own is not None and tier in own.thresholds:
            return own.thresholds[tier]
        return self.cascade.thresholds.get(tier)

    def quality_for(self, feature: str | None, requested: str | None = None) -> str:
        """Return the quality preference: the caller's, else the feature's, else the policy's."""
        own = self.per_feature.get(feature or "")
        return requested or (own.quality if own is not None else None) or self.default_quality
