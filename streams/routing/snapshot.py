"""What there is to choose from: tiers, models, instances, and the policy that chooses.

Plain values, built from a registry version (`streams.registry`). Names are the registry's own;
nothing here knows a wire format or a topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from streams.routing.alert_rules import Alerting
from streams.routing.budgets import Budget
from streams.routing.extra_names import USUAL
from streams.routing.learned.artifact import Artifact
from streams.routing.policy import Policy

TOOLS, VISION, JSON, LOGPROBS = "tools", "vision", "json", "logprobs"
CAPABILITIES = frozenset({TOOLS, VISION, JSON, LOGPROBS})


EVERY_TENANT = "*"
"""Stands for each tenant that has no limits of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an instance, or a tenant, is limited to; `None` is no limit."""

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
class TokenPrice:
    """USD per million tokens of each kind; cached tokens default to `input`, for Anthropic's cache
    writes to its multiples of it. Audio tokens without a price have none.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice(TokenPrice):
    """The registry's own price. `web_search` is USD per thousand searches; `service_tiers` and
    `speeds` are prices by the provider's names, `geographies` factors on what tokens cost.
    """

    web_search: Decimal | None = None
    service_tiers: tuple[tuple[str, TokenPrice], ...] = ()
    speeds: tuple[tuple[str, TokenPrice], ...] = ()
    geographies: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model by its registry name.

    `provider_model` is the provider's own name for it, `context_window` and `max_output` count
    tokens, `expected_latency_ms` is what an ordinary answer takes before any was observed;
    `unsupported` names the request parameters that the model refuses, `extra_body` those beyond
    the contract that it takes.
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
    unsupported: frozenset[str] = frozenset()
    extra_body: frozenset[str] = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """What text may be stored in ClickHouse, and what is taken out of it before."""

    store_prompts: bool = False
    store_answers: bool = False
    store_comments: bool = True
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm of an experiment: its weight (> 0) against the others', what it decides by."""

    name: str
    weight: float
    snapshot: RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Arms to compare on `share` (0..1) of the users, of some features or tenants only if named."""

    name: str
    arms: tuple[Arm, ...]
    share: float = 1.0
    features: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot:
    """One registry version, ready to decide by. Tiers are ordered, cheapest first.

    `artifact` is there when the policy names one; `columns` then has its column for each tier and
    each model. Every arm of `experiments` has a snapshot of its own, of the same version.
    `tenant_limits` are by tenant, `EVERY_TENANT` for the others.
    """

    version: str
    tiers: tuple[str, ...]
    models: Mapping[str, Model]
    policy: Policy
    baseline: str | None = None
    privacy: Privacy = Privacy()
    artifact: Artifact | None = None
    columns: Mapping[str, int] = field(default_factory=dict)
    experiments: tuple[Experiment, ...] = ()
    tenant_limits: Mapping[str, Limits] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    alerting: Alerting = field(default_factory=Alerting)

    def limits_of(self, tenant: str) -> Limits | None:
        """What a tenant may ask a minute and at once: its own limits, else everybody's."""
        return self.tenant_limits.get(tenant) or self.tenant_limits.get(EVERY_TENANT)

    def models_of(self, tier: str) -> tuple[Model, ...]:
        """Models of a tier in the registry's order."""
        return tuple(model for model in self.models.values() if model.tier == tier)

    def tier_above(self, tier: str) -> str | None:
        """The next dearer tier, `None` above the last or for a tier that is gone."""
        if tier not in self.tiers:
            return None
        place = self.tiers.index(tier) + 1
        return self.tiers[place] if place < len(self.tiers) else None

    def under(self, experiment: str | None, arm: str | None) -> RegistrySnapshot:
        """What an arm decides by; this snapshot where there is no such arm (any more)."""
        for each in self.experiments:
            if each.name == experiment:
                return next((own.snapshot for own in each.arms if own.name == arm), self)
        return self
