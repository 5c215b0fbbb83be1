"""What there is to choose from: tiers, models, instances, and the policy that chooses.

Plain values, built from a registry version (`streams.registry`). Names are the registry's own;
nothing here knows a wire format or a topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from streams.routing.learned.artifact import Artifact

TOOLS, VISION, JSON, LOGPROBS = "tools", "vision", "json", "logprobs"
CAPABILITIES = frozenset({TOOLS, VISION, JSON, LOGPROBS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an instance allows; `None` is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One place that serves a model. `weight` is its share among the model's instances, > 0."""

    name: str
    base_url: str
    api_key_env: str | None = None
    api_version: str | None = None
    weight: float = 1.0
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """The registry's own price, USD per million tokens; cached tokens default to `input`."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model by its registry name.

    `provider_model` is the provider's own name for it, `context_window` and `max_output` count
    tokens, `expected_latency_ms` is what an ordinary answer takes before any was observed.
    """

    name: str
    provider: str
    provider_model: str
    tier: str
    capabilities: frozenset[str]
    context_window: int
    max_output: int
    expected_latency_ms: float
    instances: tuple[Instance, ...]
    price: ListPrice | None = None


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
class CascadePolicy:
    """When an answer is good enough to stop.

    `scorer` names the confidence (`checks` or `article`); an answer below its tier's threshold
    (0..1) moves on, at most `max_hops` tiers in all.
    """

    enabled: bool = True
    scorer: str = "checks"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    default_threshold: float = 0.5
    max_hops: int = 3

    def threshold(self, tier: str) -> float:
        """The confidence that an answer of this tier needs."""
        return self.thresholds.get(tier, self.default_threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPolicy:
    """How a hop goes on after errors. Times in ms."""

    retries: int = 1
    backoff_ms: float = 250.0
    max_backoff_ms: float = 5_000.0
    max_calls_per_hop: int = 6


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
    """How the learned artifact is used: the column that stands for each tier, where its own names
    do not say, and how near to a boundary `hybrid` asks it (0..1).
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    margin: float = 0.08


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
        own = self.per_feature.get(feature or "")
        if own is not None and tier in own.thresholds:
            return own.thresholds[tier]
        return self.cascade.threshold(tier)

    def quality_for(self, feature: str | None, asked: str | None = None) -> str:
        """The quality preference: the caller's, else the feature's, else the policy's."""
        own = self.per_feature.get(feature or "")
        return asked or (own.quality if own is not None else None) or self.default_quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """What text may be stored in ClickHouse."""

    store_prompts: bool = False
    store_answers: bool = False
    store_comments: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """One registry version, ready to decide by. Tiers are ordered, cheapest first.

    `artifact` is there when the policy names one; `columns` then has its column for each tier and
    each model.
    """

    version: str
    tiers: tuple[str, ...]
    models: Mapping[str, Model]
    policy: Policy
    baseline: str | None = None
    privacy: Privacy = Privacy()
    artifact: Artifact | None = None
    columns: Mapping[str, int] = field(default_factory=dict)

    def models_of(self, tier: str) -> tuple[Model, ...]:
        """Models of a tier in the registry's order."""
        return tuple(model for model in self.models.values() if model.tier == tier)

    def tier_above(self, tier: str) -> str | None:
        """The next dearer tier, `None` above the last or for a tier that is gone."""
        if tier not in self.tiers:
            return None
        place = self.tiers.index(tier) + 1
        return self.tiers[place] if place < len(self.tiers) else None
