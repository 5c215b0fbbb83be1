"""Ends a worker whose name another process took over.

A fixed name (`SLUICE_WORKER_INSTANCE`) is locked on one machine. On two machines nothing stops a
second process: the broker gives it the first one's partitions, and the first one, which aiokafka
does not notify, continues. So every worker publishes its name on `llm.workers.v1` before it joins
the group, and reads that topic. Of two processes with one name the later one, by the broker's time,
keeps it; the other ends at once and opens no further hop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from core.alert_port import Alerts
from schemas.alert_names import AlertName
from schemas.errors import ConfigurationError
from schemas.worker_status import WorkerStatus

log = logging.getLogger(__name__)


class NameTakenOverError(ConfigurationError):
    """A later process runs under this worker's name."""


class StatusFeed(Protocol):
    """The workers' statuses, from the time of opening."""

    async def read(self) -> Sequence[WorkerStatus]:
        """Return new statuses; empty after a short wait without any."""
        ...


def is_later(status: WorkerStatus, mine: WorkerStatus) -> bool:
    """Return whether a status is of a process with this name that started later. Of two that
    started in the same millisecond the greater incarnation counts as the later.
    """
    if status.worker != mine.worker or status.incarnation == mine.incarnation:
        return False
    return (status.started_at, status.incarnation) > (mine.started_at, mine.incarnation)


class NameGuard:
    """Reads the statuses of one worker's namesakes; `lost` is called when the name is lost, before
    any `await`.
    """

    def __init__(
        self,
        feed: StatusFeed,
        mine: WorkerStatus,
        alerts: Alerts,
        lost: Callable[[NameTakenOverError], None],
    ) -> None:
        self._feed = feed
        self._mine = mine
        self._alerts = alerts
        self._lost = lost

    async def run(self) -> None:
        """Read until the name is lost, or until cancelled."""
        while True:
            for status in await self._feed.read():
                if is_later(status, self._mine):
                    await self._yield_name(status)
                    return

    async def _yield_name(self, to: WorkerStatus) -> None:
        name = self._mine.worker
        self._lost(
            NameTakenOverError(
                f"another process runs as worker {name} (incarnation {to.incarnation}) and started "
                "later, so this one ends; set a different SLUICE_WORKER_INSTANCE for each worker"
            )
        )
        await self._alerts.fire(
            AlertName.WORKER_NAME_TAKEN,
            name,
            f"two processes run as worker {name}; the one that started earlier (incarnation "
            f"{self._mine.incarnation}) ended. Set a different SLUICE_WORKER_INSTANCE for each.",
        )
