"""What steers decisions: plain values, built from a registry version (`streams.registry`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JUDGE, CONSISTENCY = "judge", "consistency"
LOOKS = (JUDGE, CONSISTENCY)
"""Second looks at an answer of the grey band."""

BY_THRESHOLD, BY_WORTH = "threshold", "worth"
STOPS = (BY_THRESHOLD, BY_WORTH)
"""How a cascade decides to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRule:
    """Sends matching requests to a tier without classifying them.

    Every field that is set must match; a field matches any of its values.
    """

    tier: str
    features: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    user_tiers: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyBand:
    """Confidences (0..1, `low` included, `high` not) that nobody trusts without a second look.

    `look` is `judge`, which asks the judge, or `consistency`, which asks the same model `samples`
    times more and takes their agreement. What it finds counts `weight` (0..1) against the
    confidence's rest. Only `share` (0..1) of the cases is looked at, by a draw.
    """

    low: float
    high: float
    look: str = JUDGE
    samples: int = 2
    weight: float = 0.7
    share: float = 1.0

    def holds(self, confidence: float) -> bool:
        """Whether a confidence lies in the band."""
        return self.low <= confidence < self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePolicy:
    """When an answer is good enough to stop.

    `scorer` names the confidence; an answer below its tier's threshold (0..1) moves on, at most
    `max_hops` tiers in all. With `stop` at `worth`, where no threshold is set for its tier, it
    moves on when that is worth what it costs. `logprobs` asks models that can for the
    probabilities of their tokens.
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
    """How a hop goes on after errors, times in ms; whether a request waits for better times when
    nobody answers, or fails.
    """

    retries: int = 1
    backoff_ms: float = 250.0
    max_backoff_ms: float = 5_000.0
    max_calls_per_hop: int = 6
    wait: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalPolicy:
    """How retrieval scores (0..1) steer: all of `confident` and direct goes down, weak goes up."""

    confident_score: float = 0.75
    weak_score: float = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimeouts:
    """Limits of one provider call, ms."""

    connect_ms: float = 5_000.0
    read_ms: float = 60_000.0
    total_ms: float = 60_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedPolicy:
    """Which column of the learned artifact stands for a tier or a model, where names differ."""

    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HybridPolicy:
    """Whom `hybrid` asks (`learned` or `llm`), and how near to a boundary (0..1) it does."""

    asks: str = "learned"
    margin: float = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedModel:
    """A model that routing itself asks: by its registry name, for at most so many ms."""

    model: str
    timeout_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPolicy:
    """Asks another tier as well, for `share` (0..1) of the answered requests, to learn from it.

    The workers together spend at most `nano_per_day` on it (nano-USD, a day of 24 hours).
    """

    share: float
    nano_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePolicy:
    """What differs for one feature; what is left out is as for all."""

    quality: str | None = None
    boundaries: tuple[float, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that steers a decision.

    `boundaries` are the scores (0..1, ascending) from which each tier after the first begins.
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

    def boundaries_for(self, feature: str | None) -> tuple[float, ...]:
        """The boundaries for a feature; empty where nobody set any."""
        own = self.per_feature.get(feature or "")
        return own.boundaries if own is not None and own.boundaries else self.boundaries

    def threshold(self, tier: str, feature: str | None = None) -> float:
        """The confidence (0..1) that an answer of this tier needs."""
        found = self.threshold_set(tier, feature)
        return self.cascade.default_threshold if found is None else found

    def threshold_set(self, tier: str, feature: str | None = None) -> float | None:
        """The threshold that was set for a tier: by the feature, else by the cascade, else none."""
        own = self.per_feature.get(feature or "")
        if own is not None and tier in own.thresholds:
            return own.thresholds[tier]
        return self.cascade.thresholds.get(tier)

    def quality_for(self, feature: str | None, asked: str | None = None) -> str:
        """The quality preference: the caller's, else the feature's, else the policy's."""
        own = self.per_feature.get(feature or "")
        return asked or (own.quality if own is not None else None) or self.default_quality
