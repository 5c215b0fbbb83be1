"""The registry file: one YAML document, checked by pydantic.

Errors name the path and say what is allowed. `json_schema()` is published for editors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.identity import NAME
from streams.routing.assessment import CLASSIFIER_NAMES, NEED_ARTIFACT
from streams.routing.confidence import LEARNED, SCORER_NAMES
from streams.routing.landscape import CAPABILITIES

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
TierName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Usd = Annotated[Decimal, Field(ge=0, max_digits=18)]
Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(gt=0, le=3_600_000)]


def _one_of(known: Collection[str]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            raise ValueError("must be one of " + ", ".join(sorted(known)))
        return name

    return AfterValidator(check)


Capability = Annotated[str, _one_of(CAPABILITIES)]
ClassifierName = Annotated[str, _one_of(CLASSIFIER_NAMES)]
ScorerName = Annotated[str, _one_of(SCORER_NAMES)]


class Part(BaseModel):
    """A part of the document; unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LimitsPart(Part):
    """What an instance allows; left out is no limit."""

    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[int, Field(gt=0)] | None = None
    concurrency: Annotated[int, Field(gt=0)] | None = None


class InstancePart(Part):
    """One place that serves a model."""

    name: Name
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$")]
    api_key_env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    api_version: str | None = None
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    limits: LimitsPart = LimitsPart()


class PricePart(Part):
    """USD per million tokens."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None


class ModelPart(Part):
    """A model: who serves it, what it can do, where."""

    provider: Name
    model: str | None = None
    tier: TierName
    capabilities: frozenset[Capability] = CAPABILITIES
    context_window: Annotated[int, Field(gt=0)] = 128_000
    max_output: Annotated[int, Field(gt=0)] = 4_096
    expected_latency_ms: Milliseconds = 1_000.0
    price: PricePart | None = None
    instances: Annotated[tuple[InstancePart, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _instances_differ(self) -> ModelPart:
        names = [instance.name for instance in self.instances]
        if len(set(names)) < len(names):
            raise ValueError("instances: two have the same name")
        return self


class WhenPart(Part):
    """What a static rule matches; every key that is set must match."""

    feature: tuple[Name, ...] = ()
    tenant: tuple[Name, ...] = ()
    user_tier: tuple[Name, ...] = ()
    metadata: dict[str, str] = {}

    @model_validator(mode="after")
    def _matches_something(self) -> WhenPart:
        if not (self.feature or self.tenant or self.user_tier or self.metadata):
            raise ValueError("name at least one of feature, tenant, user_tier, metadata")
        return self


class StaticRulePart(Part):
    """Sends what it matches to a tier."""

    when: WhenPart
    tier: TierName


class CascadePart(Part):
    """When an answer is good enough."""

    enabled: bool = True
    confidence: ScorerName = "checks"
    thresholds: dict[TierName, Share] = {}
    default_threshold: Share = 0.5
    max_hops: Annotated[int, Field(ge=1, le=8)] = 3


class FallbackPart(Part):
    """How a hop goes on after errors."""

    retries: Annotated[int, Field(ge=0, le=5)] = 1
    backoff_ms: Milliseconds = 250.0
    max_backoff_ms: Milliseconds = 5_000.0
    max_calls_per_hop: Annotated[int, Field(ge=1, le=20)] = 6


class RetrievalPart(Part):
    """Scores at which retrieval steers a request down or up."""

    confident_score: Share = 0.75
    weak_score: Share = 0.45


class TimeoutsPart(Part):
    """Limits of one provider call."""

    connect_ms: Milliseconds = 5_000.0
    read_ms: Milliseconds = 60_000.0
    total_ms: Milliseconds = 60_000.0


class LearnedPart(Part):
    """The learned artifact: `default` is the one that ships, else a hash on the registry topic.

    `columns` name the artifact's column that stands for a tier or a model, where its own columns
    have other names; `margin` is how near to a boundary `hybrid` asks it.
    """

    artifact: Annotated[str, StringConstraints(pattern=r"^(default|[0-9a-f]{16})$")] = "default"
    columns: dict[Name, str] = {}
    margin: Share = 0.08


Boundaries = Annotated[tuple[Share, ...], Field(max_length=7)]
QualityName = Literal["economy", "balanced", "best"]


class FeaturePart(Part):
    """What differs for one feature."""

    quality: QualityName | None = None
    boundaries: Boundaries = ()
    thresholds: dict[TierName, Share] = {}


class PolicyPart(Part):
    """What steers the decisions."""

    classifier: ClassifierName = "rules"
    boundaries: Boundaries = ()
    learned: LearnedPart = LearnedPart()
    features: dict[Name, FeaturePart] = {}
    quality: QualityName = "balanced"
    static: tuple[StaticRulePart, ...] = ()
    cascade: CascadePart = CascadePart()
    fallback: FallbackPart = FallbackPart()
    retrieval: RetrievalPart = RetrievalPart()
    timeouts: TimeoutsPart = TimeoutsPart()

    @property
    def needs_artifact(self) -> bool:
        """Whether the policy decides by what was learned."""
        return self.classifier in NEED_ARTIFACT or self.cascade.confidence == LEARNED


class PrivacyPart(Part):
    """What text ClickHouse may hold."""

    store_prompts: bool = False
    store_answers: bool = False
    store_comments: bool = True


class RegistryDocument(Part):
    """The whole file."""

    tiers: Annotated[tuple[TierName, ...], Field(min_length=1, max_length=8)]
    models: Annotated[dict[Name, ModelPart], Field(min_length=1)]
    policy: PolicyPart = PolicyPart()
    baseline: Name | None = None
    privacy: PrivacyPart = PrivacyPart()

    @model_validator(mode="after")
    def _names_agree(self) -> RegistryDocument:
        problems = []
        if len(set(self.tiers)) < len(self.tiers):
            problems.append("tiers: a name stands twice")
        problems.extend(
            f"models.{name}.tier: {model.tier} is not one of {', '.join(self.tiers)}"
            for name, model in self.models.items()
            if model.tier not in self.tiers
        )
        served = {model.tier for model in self.models.values()}
        problems.extend(f"tiers: {tier} has no model" for tier in self.tiers if tier not in served)
        problems.extend(
            f"policy.static.{number}.tier: {rule.tier} is not a tier"
            for number, rule in enumerate(self.policy.static)
            if rule.tier not in self.tiers
        )
        problems.extend(
            f"policy.cascade.thresholds: {tier} is not a tier"
            for tier in self.policy.cascade.thresholds
            if tier not in self.tiers
        )
        problems.extend(self._policy_problems())
        if self.baseline is not None and self.baseline not in self.models:
            problems.append(f"baseline: {self.baseline} is not one of the models")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _policy_problems(self) -> Iterator[str]:
        policy = self.policy
        sets = {
            "policy.boundaries": policy.boundaries,
            **{
                f"policy.features.{name}.boundaries": part.boundaries
                for name, part in policy.features.items()
            },
        }
        for path, boundaries in sets.items():
            if boundaries and len(boundaries) != len(self.tiers) - 1:
                yield f"{path}: {len(self.tiers)} tiers have {len(self.tiers) - 1} boundaries"
            if any(low > high for low, high in pairwise(boundaries)):
                yield f"{path}: must rise"
        for name, part in policy.features.items():
            for tier in part.thresholds:
                if tier not in self.tiers:
                    yield f"policy.features.{name}.thresholds: {tier} is not a tier"
        for name in policy.learned.columns:
            if name not in self.tiers and name not in self.models:
                yield f"policy.learned.columns: {name} is neither a tier nor a model"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    return RegistryDocument.model_json_schema()
