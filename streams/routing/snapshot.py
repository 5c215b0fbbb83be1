"""Registry snapshot: tiers, models, instances, and the policy.

Plain values, built from a registry version (`streams.registry`). Names are the registry's own. The
module is independent of wire formats and topics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated

from annotated_types import Gt

from streams.routing.alert_rules import Alerting
from streams.routing.budgets import Budget
from streams.routing.extra_names import USUAL
from streams.routing.learned.artifact import Artifact
from streams.routing.policy import IMMEDIATE, Policy

TOOLS, VISION, JSON, LOGPROBS = "tools", "vision", "json", "logprobs"
CAPABILITIES = frozenset({TOOLS, VISION, JSON, LOGPROBS})


EVERY_TENANT = "*"
"""Key of the limits for each tenant without limits of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of an instance or a tenant; a missing field is no limit."""

    requests_per_minute: Annotated[int, Gt(0)] | None = None
    tokens_per_minute: Annotated[int, Gt(0)] | None = None
    concurrency: Annotated[int, Gt(0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An endpoint of a model. `weight` is its share among the model's instances, > 0."""

    name: str
    base_url: str
    api_key_env: str | None = None
    api_version: str | None = None
    weight: float = 1.0
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """USD per million tokens of each kind. Cached tokens default to `input`, Anthropic's cache
    writes to its multiples of it. Audio tokens have no default.
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
    `speeds` are prices by the provider's names, `geographies` factors on the cost of tokens.
    """

    web_search: Decimal | None = None
    service_tiers: tuple[tuple[str, TokenPrice], ...] = ()
    speeds: tuple[tuple[str, TokenPrice], ...] = ()
    geographies: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model by its registry name.

    `provider_model` is the provider's own name for it, `context_window` and `max_output` count
    tokens, `expected_latency_ms` is the assumed latency before any is observed; `unsupported` names
    the request parameters that the model refuses, `extra_body` those beyond the contract that it
    accepts.
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
    """Text that may be stored in ClickHouse, and patterns that are redacted from it."""

    store_prompts: bool = False
    store_answers: bool = False
    store_comments: bool = True
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """An arm of an experiment: its weight (> 0) relative to the others, and its snapshot."""

    name: str
    weight: float
    snapshot: RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Arms to compare on `share` (0..1) of the users; if set, only of some features or tenants."""

    name: str
    arms: tuple[Arm, ...]
    share: float = 1.0
    features: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySnapshot:
    """One registry version, as used by decisions. Tiers are ordered, cheapest first.

    `artifact` is set if the policy names one; `columns` then has its column for each tier and each
    model. Every arm of `experiments` has a snapshot of its own, of the same version.
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
        """Return the limits of a tenant: its own, else the default; `None` without either."""
        return self.tenant_limits.get(tenant) or self.tenant_limits.get(EVERY_TENANT)

    def models_of(self, tier: str) -> tuple[Model, ...]:
        """Return the models of a tier in the registry's order."""
        return tuple(model for model in self.models.values() if model.tier == tier)

    def tier_above(self, tier: str) -> str | None:
        """Return the next more expensive tier; `None` above the last or for a tier that no longer
        exists.
        """
        if tier not in self.tiers:
            return None
        place = self.tiers.index(tier) + 1
        return self.tiers[place] if place < len(self.tiers) else None

    def under(self, experiment: str | None, arm: str | None) -> RegistrySnapshot:
        """Return the snapshot of an arm; this snapshot if the arm does not exist (any more)."""
        for each in self.experiments:
            if each.name == experiment:
                return next((own.snapshot for own in each.arms if own.name == arm), self)
        return self

    def for_stream(self, *, stream: bool) -> RegistrySnapshot:
        """Return the snapshot that applies to a request whose caller takes the answer in parts:
        without a cascade, if the policy streams at once.
        """
        if not stream or self.policy.streaming != IMMEDIATE or not self.policy.cascade.enabled:
            return self
        cascade = replace(self.policy.cascade, enabled=False)
        return replace(self, policy=replace(self.policy, cascade=cascade))
