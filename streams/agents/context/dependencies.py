"""What the handlers are given: every part of the world that they touch, each replaceable."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.alert_port import Alerts
from core.clock import Clock
from core.codecs import Codecs
from core.kafka.producer import Publisher
from schemas.errors import ConfigurationError
from streams.agents.context.classification_cache import ClassificationCache
from streams.agents.context.drift_monitor import DriftFinding, DriftMonitor
from streams.agents.context.open_calls import OpenCalls
from streams.agents.context.priority_gate import PriorityGate
from streams.agents.context.shadow_spend import ShadowSpendLimiter
from streams.bad_input.dead_letters import DeadLetters
from streams.budgets.call_budgets import Budgets, NoBudgets
from streams.flow.reply_topics import ReplyTopicPolicy
from streams.journal.in_flight_hops import InFlightRegistry
from streams.journal.owned_journals import Journals
from streams.journal.partition_journal import Owner
from streams.journal.sent_replies import SentReplies
from streams.observability.metrics import WorkerMetrics
from streams.providers.port import Provider, Usage
from streams.providers.refusals.refused_parameters import RefusedParameters
from streams.providers.reliability.instance_load import Instances
from streams.providers.reliability.retry_budget import RetryBudget
from streams.providers.reliability.tenant_limits import TenantLimits
from streams.registry.live import LiveRegistry
from streams.routing.snapshot import EVERY_TENANT, Model
from streams.tracing.tracer import NO_TRACER, Tracer


class Pricing(Protocol):
    """What calls cost."""

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Nano-USD of a call and where its price is from; `(None, None)` without a price."""
        ...

    def unpriced(self, model: Model, usage: Usage) -> tuple[str, ...]:
        """The parts of a call's usage that leave its cost unknown though its model has a price."""
        ...


def new_call_id() -> str:
    """A call id, unique for all time."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The world of the handlers.

    `reply_topic_exists` looks into cached metadata; `bound_tenants` maps request topics to the
    tenant that each is bound to; `sleep_ms` pauses between retries; `draw` gives a number in
    [0, 1) for a key.
    """

    me: Owner
    cluster: str
    clock: Clock
    publisher: Publisher
    dead_letters: DeadLetters
    journals: Journals
    claims: InFlightRegistry
    registry: LiveRegistry
    providers: Mapping[str, Provider]
    pricing: Pricing
    instances: Instances
    alerts: Alerts
    codecs: Codecs
    reply_topics: ReplyTopicPolicy
    reply_topic_exists: Callable[[str], Awaitable[bool]]
    sent_replies: SentReplies
    sleep_ms: Callable[[float], Awaitable[None]]
    tenants: TenantLimits = field(default_factory=TenantLimits)
    retries: RetryBudget = field(default_factory=RetryBudget)
    refused_parameters: RefusedParameters = field(default_factory=RefusedParameters)
    bound_tenants: Mapping[str, str | None] = field(default_factory=dict)
    open_calls: OpenCalls = field(default_factory=OpenCalls)
    opinions: ClassificationCache = field(default_factory=ClassificationCache)
    watch: DriftMonitor = field(default_factory=DriftMonitor)
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    turns: PriorityGate = field(default_factory=PriorityGate)
    budgets: Budgets = field(default_factory=NoBudgets)
    allowance: ShadowSpendLimiter = field(default_factory=lambda: ShadowSpendLimiter(lambda: 1.0))
    tracer: Tracer = NO_TRACER
    call_id: Callable[[], str] = new_call_id
    journal_before_call: bool = True

    @property
    def declared_tenants(self) -> frozenset[str]:
        """Tenants that request topics are bound to, or that the registry names."""
        bound = (tenant for tenant in self.bound_tenants.values() if tenant is not None)
        named = self.registry.snapshot.tenant_limits
        return frozenset({*bound, *(tenant for tenant in named if tenant != EVERY_TENANT)})

    async def report(self, finding: DriftFinding | None) -> None:
        """Raise the alert of a finding, if there is one."""
        if finding is not None:
            await self.alerts.fire(finding.rule, finding.subject, finding.message)

    def provider(self, name: str) -> Provider:
        """A provider by name.

        Raises:
            ConfigurationError: the registry names a provider that is not installed.
        """
        found = self.providers.get(name)
        if found is None:
            raise ConfigurationError(
                f"provider {name} is not installed; there are {', '.join(sorted(self.providers))}"
            )
        return found
