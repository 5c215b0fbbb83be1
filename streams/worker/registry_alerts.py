"""A worker's registry, with counts and alerts of rejected records."""

from __future__ import annotations

import logging

from core.alert_port import Alerts
from core.registry_signature import UnsignedRecordError
from schemas.alert_names import AlertName
from schemas.errors import DeliveryError
from streams.observability.metrics import WorkerMetrics
from streams.registry.live import LiveRegistry
from streams.worker.settings import WorkerSettings

log = logging.getLogger(__name__)


def live_registry(settings: WorkerSettings, alerts: Alerts, metrics: WorkerMetrics) -> LiveRegistry:
    """Return the registry that a worker follows.

    Raises:
        ConfigurationError: a key for its records is unreadable or weak.
    """

    async def invalid(version: str, problem: str) -> None:
        await alerts.fire(AlertName.INVALID_REGISTRY, version, problem)

    async def unsigned(error: UnsignedRecordError) -> None:
        metrics.registry_record_refused(error.kind, error.refusal)
        try:
            await alerts.fire(
                AlertName.UNSIGNED_REGISTRY,
                error.kind,
                f"{error}. Check who writes to this topic; remove the record: sluice registry "
                "repair",
            )
        except DeliveryError as undelivered:
            log.warning("cannot publish an alert: %s", undelivered)

    return LiveRegistry(
        settings.tier_names, invalid, keys=settings.registry_keys, on_unsigned=unsigned
    )
