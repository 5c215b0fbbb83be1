"""All dependencies of the handlers, for the functions that carry a message from end to end."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.agents.context.classification_cache import ClassificationCache
from streams.agents.context.ports import CallPorts, IntakePorts, KafkaPorts, Observers
from streams.agents.context.shadow_spend import ShadowSpendLimiter
from streams.registry.live import LiveRegistry
from streams.routing.snapshot import EVERY_TENANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The handlers' ports and what they share. Each one can be replaced in tests."""

    kafka: KafkaPorts
    calls: CallPorts
    intake: IntakePorts
    observers: Observers
    registry: LiveRegistry
    classification_cache: ClassificationCache = field(default_factory=ClassificationCache)
    shadow_spend: ShadowSpendLimiter = field(
        default_factory=lambda: ShadowSpendLimiter(lambda: 1.0)
    )

    @property
    def declared_tenants(self) -> frozenset[str]:
        """Tenants that a request topic is bound to, or that the registry names."""
        bound = (tenant for tenant in self.intake.bound_tenants.values() if tenant is not None)
        named = self.registry.snapshot.tenant_limits
        return frozenset({*bound, *(tenant for tenant in named if tenant != EVERY_TENANT)})
