"""Sections of the registry file on routing decisions, and on their comparison on live traffic."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from streams.registry.document.models import DocumentPart, Name, TierName, one_of
from streams.routing.assessment import CLASSIFIER_NAMES, HYBRID, LEARNED, LLM
from streams.routing.confidence.scorers import LEARNED as LEARNED_CONFIDENCE
from streams.routing.confidence.scorers import SCORER_NAMES
from streams.routing.policy import (
    BY_THRESHOLD,
    BY_WORTH,
    STOPS,
    CallTimeouts,
    FallbackPolicy,
    HybridPolicy,
    RetrievalPolicy,
    Share,
    UncertaintyBand,
)

ClassifierName = Annotated[str, one_of(CLASSIFIER_NAMES)]
ScorerName = Annotated[str, one_of(SCORER_NAMES)]


class WhenPart(DocumentPart):
    """Match conditions of a static rule; every key that is set must match."""

    feature: tuple[Name, ...] = ()
    tenant: tuple[Name, ...] = ()
    user_tier: tuple[Name, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _matches_something(self) -> WhenPart:
        if not (self.feature or self.tenant or self.user_tier or self.metadata):
            raise ValueError("name at least one of feature, tenant, user_tier, metadata")
        return self


MOST_STATIC_RULES = 2_000
"""Each request is matched against the rules one by one."""


class StaticRulePart(DocumentPart):
    """Routes matching requests to a tier."""

    when: WhenPart
    tier: TierName


def _a_band(band: UncertaintyBand) -> UncertaintyBand:
    if band.low >= band.high:
        raise ValueError("low must be below high")
    return band


class CascadePart(DocumentPart):
    """Conditions to accept an answer. `stop: worth` instead weighs escalation against its cost, on
    tiers without a threshold; it needs `confidence: learned`.
    """

    enabled: bool = True
    confidence: ScorerName = "checks"
    stop: Annotated[str, one_of(STOPS)] = BY_THRESHOLD
    thresholds: dict[TierName, Share] = Field(default_factory=dict)
    default_threshold: Share = 0.5
    max_hops: Annotated[int, Field(ge=1, le=8)] = 3
    grey: Annotated[UncertaintyBand, AfterValidator(_a_band)] | None = None
    logprobs: bool = False

    @model_validator(mode="after")
    def _can_weigh(self) -> CascadePart:
        if self.stop == BY_WORTH and self.confidence != LEARNED_CONFIDENCE:
            raise ValueError("stop: worth requires confidence: learned, which scores every tier")
        return self


class LearnedPart(DocumentPart):
    """The learned artifact: `default` is the bundled one, else a hash on the registry topic.

    `columns` name the artifact's column for a tier or a model, where its own columns have other
    names.
    """

    artifact: Annotated[str, StringConstraints(pattern=r"^(default|[0-9a-f]{16})$")] = "default"
    columns: dict[Name, str] = Field(default_factory=dict)


class AskedModelPart(DocumentPart):
    """A model of the registry that routing itself calls."""

    model: Name
    timeout_ms: Annotated[float, Field(ge=50, le=60_000)] = 2_000.0


class ShadowPart(DocumentPart):
    """Calls another tier as well for `share` of the answered requests, for training data.

    All workers together spend at most `usd_per_day`.
    """

    share: Share
    usd_per_day: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=9)]


Boundaries = Annotated[tuple[Share, ...], Field(max_length=7)]
QualityName = Literal["economy", "balanced", "best"]


class FeaturePart(DocumentPart):
    """Overrides for one feature."""

    quality: QualityName | None = None
    boundaries: Boundaries = ()
    thresholds: dict[TierName, Share] = Field(default_factory=dict)


class PolicyPart(DocumentPart):
    """The routing policy."""

    classifier: ClassifierName = "rules"
    boundaries: Boundaries = ()
    learned: LearnedPart = LearnedPart()
    hybrid: HybridPolicy = HybridPolicy()
    llm: AskedModelPart | None = None
    judge: AskedModelPart | None = None
    shadow: ShadowPart | None = None
    features: dict[Name, FeaturePart] = Field(default_factory=dict)
    quality: QualityName = "balanced"
    static: Annotated[tuple[StaticRulePart, ...], Field(max_length=MOST_STATIC_RULES)] = ()
    cascade: CascadePart = CascadePart()
    fallback: FallbackPolicy = FallbackPolicy()
    retrieval: RetrievalPolicy = RetrievalPolicy()
    timeouts: CallTimeouts = CallTimeouts()
    streaming: Annotated[
        Literal["checked", "immediate"],
        Field(
            description="When a streamed answer is sent: `checked`, while it is written where no "
            "other answer can become the reply, else once it is accepted; `immediate`, always "
            "while it is written, which ends the cascade of a streamed request at its first answer."
        ),
    ] = "checked"

    @property
    def needs_artifact(self) -> bool:
        """Return whether the policy uses the learned artifact."""
        by_artifact = self.classifier == LEARNED or (
            self.classifier == HYBRID and self.hybrid.asks == LEARNED
        )
        return by_artifact or self.cascade.confidence == LEARNED_CONFIDENCE

    @property
    def calls_model(self) -> bool:
        """Return whether the classifier may call a model."""
        return self.classifier == LLM or (self.classifier == HYBRID and self.hybrid.asks == LLM)


class ArmPart(DocumentPart):
    """One arm: its weight relative to the others, and its overrides of `policy`.

    `policy` holds any keys of the file's own `policy`; they replace those, mappings key by key.
    """

    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    policy: dict[str, Any] = Field(default_factory=dict)


class ExperimentPart(DocumentPart):
    """Compares arms on a share of the users; if set, only of some features or tenants."""

    share: Share = 1.0
    feature: tuple[Name, ...] = ()
    tenant: tuple[Name, ...] = ()
    arms: Annotated[dict[Name, ArmPart], Field(min_length=2, max_length=8)]
