"""The handlers' ports, grouped by concern. A function takes the ports that it uses."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.alert_port import Alerts
from core.clock import Clock
from core.codecs import Codecs
from core.kafka.producer import PartsPublisher, Publisher
from streams.agents.context.drift_monitor import DriftFinding, DriftMonitor
from streams.agents.context.open_calls import OpenCalls
from streams.agents.context.priority_gate import PriorityGate
from streams.bad_input.dead_letters import DeadLetters
from streams.budgets.call_budgets import Budgets, NoBudgets
from streams.flow.reply_topics import ReplyTopicPolicy
from streams.journal.admission import Owner
from streams.journal.in_flight_hops import InFlightRegistry
from streams.journal.owned_journals import Journals
from streams.journal.sent_replies import SentReplies
from streams.observability.metrics import WorkerMetrics
from streams.providers.port import Provider, Usage
from streams.providers.refusals.refused_parameters import RefusedParameters
from streams.providers.reliability.instance_load import Instances
from streams.providers.reliability.retry_budget import RetryBudget
from streams.providers.reliability.tenant_limits import TenantLimits
from streams.routing.snapshot import Model
from streams.tracing.tracer import NO_TRACER, Tracer


class Pricing(Protocol):
    """Prices of provider calls."""

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Return a call's cost in nano-USD and the source of its price, `(None, None)` without a
        price.
        """
        ...

    def unpriced(self, model: Model, usage: Usage) -> tuple[str, ...]:
        """Return the parts of a call's usage that have no price, for a model that has one."""
        ...


def new_call_id() -> str:
    """Return a globally unique call id."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPorts:
    """Access to the log: the worker's identity, the broker's time, records read and written."""

    me: Owner
    clock: Clock
    codecs: Codecs
    publisher: Publisher
    dead_letters: DeadLetters
    journals: Journals
    in_flight: InFlightRegistry
    sent_replies: SentReplies
    parts: PartsPublisher | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePorts:
    """Rules for requests that arrive.

    `bound_tenants` maps each request topic to the tenant that it is bound to, or to `None`.
    `reply_topic_exists` reads cached metadata. `cluster` is part of the ids that Sluice gives to
    requests without one.
    """

    cluster: str
    reply_topics: ReplyTopicPolicy
    reply_topic_exists: Callable[[str], Awaitable[bool]]
    bound_tenants: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPorts:
    """Provider calls: adapters, prices, limits, budgets, and the pause between retries."""

    providers: Mapping[str, Provider]
    pricing: Pricing
    instances: Instances
    sleep_ms: Callable[[float], Awaitable[None]]
    tenants: TenantLimits = field(default_factory=TenantLimits)
    retries: RetryBudget = field(default_factory=RetryBudget)
    refused_parameters: RefusedParameters = field(default_factory=RefusedParameters)
    priority_gate: PriorityGate = field(default_factory=PriorityGate)
    budgets: Budgets = field(default_factory=NoBudgets)
    open_calls: OpenCalls = field(default_factory=OpenCalls)
    call_id: Callable[[], str] = new_call_id
    journal_before_call: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Metrics, traces, alerts, and the drift of traffic and confidence."""

    alerts: Alerts
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    tracer: Tracer = NO_TRACER
    drift_monitor: DriftMonitor = field(default_factory=DriftMonitor)

    async def report(self, finding: DriftFinding | None) -> None:
        """Raise the alert of a finding, if there is one."""
        if finding is not None:
            await self.alerts.fire(finding.rule, finding.subject, finding.message)
