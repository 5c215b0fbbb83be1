"""Alerts as they arise in a worker: published once while they last."""

from __future__ import annotations

import logging

from schemas.codec import Codec
from schemas.events import Alert
from schemas.mapping import as_record
from schemas.topics import ALERTS
from streams.flow.clock import Clock
from streams.flow.delivery import Outgoing, Publisher

log = logging.getLogger(__name__)

REPEAT_MS = 10 * 60 * 1000
"""An alert that lasts is published again after this time."""

_MAX_SUBJECTS = 1_000


class AlertLog:
    """Publishes alerts on `llm.alerts.v1`, each rule and subject once in ten minutes."""

    def __init__(self, publisher: Publisher, codec: Codec, clock: Clock, worker: str) -> None:
        self._publisher = publisher
        self._codec = codec
        self._clock = clock
        self._worker = worker
        self._fired: dict[tuple[str, str], int] = {}

    async def fire(self, rule: str, subject: str, message: str) -> None:
        """Raise an alert, unless it was raised a short while ago."""
        now = self._clock.now()
        if now - self._fired.get((rule, subject), -REPEAT_MS) < REPEAT_MS:
            return
        if len(self._fired) >= _MAX_SUBJECTS:
            self._fired.clear()
        self._fired[rule, subject] = now
        log.warning("alert %s (%s): %s", rule, subject, message)
        alert = Alert(
            rule=rule,
            subject=subject,
            state="fired",
            severity="warning",
            message=message,
            at=now,
            worker=self._worker,
        )
        await (
            await self._publisher.publish(
                Outgoing(
                    topic=ALERTS,
                    key=rule.encode(),
                    value=self._codec.encode(as_record(alert)),
                    partition=0,
                )
            )
        )
