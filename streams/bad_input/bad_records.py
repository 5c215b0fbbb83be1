"""Unusable records of Sluice's own topics: counted at once, alerted soon after.

`note` never waits and never fails, so any reader can call it in the middle of a batch. One alert
per topic covers all its bad records and names the latest. The sink writes the dead letters of event
topics (`sinks.ingest.bad_records`), because it reads every one of their records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from core.alert_port import Alerts
from schemas.alert_names import AlertName
from schemas.bad_records import BadRecord, reason_of
from schemas.errors import DeliveryError

log = logging.getLogger(__name__)

RAISE_EVERY_S = 1.0
LOG_AT_MOST = 10
"""Bad records logged between two alerts; all are counted."""


class BadRecords:
    """Bad records since the last alert; `counted` receives the topic of each."""

    def __init__(self, alerts: Alerts, counted: Callable[[str], None] = lambda topic: None) -> None:
        self._alerts = alerts
        self._counted = counted
        self._latest: dict[str, BadRecord] = {}
        self._logged = 0

    def note(self, topic: str, partition: int, offset: int, error: Exception | str) -> None:
        """Note that a reader skipped this record; `error` is the exception or the reason."""
        reason = error if isinstance(error, str) else reason_of(error)
        bad = BadRecord(topic=topic, partition=partition, offset=offset, reason=reason)
        self._counted(topic)
        self._latest[topic] = bad
        self._logged += 1
        if self._logged <= LOG_AT_MOST:
            log.warning("%s", bad.in_words)

    async def raise_alerts(self) -> None:
        """Raise the alerts for bad records since the last call. An alert that the broker does not
        accept is dropped; the count remains.
        """
        found, self._latest, self._logged = self._latest, {}, 0
        for topic, bad in found.items():
            try:
                await self._alerts.fire(
                    AlertName.BAD_RECORD,
                    topic,
                    f"{bad.in_words}. Check who writes to this topic; processing continues",
                )
            except DeliveryError as error:
                log.warning("cannot publish an alert: %s", error)

    async def run(self) -> None:
        """Raise alerts until cancelled."""
        while True:
            await asyncio.sleep(RAISE_EVERY_S)
            await self.raise_alerts()


class _NoAlerts:
    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        """Discards alerts."""


def unwatched() -> BadRecords:
    """Bad records that are only logged, for readers outside a worker."""
    return BadRecords(_NoAlerts())
