"""Alerts that a worker raises itself: published once, then repeated while their cause lasts."""

from __future__ import annotations

import logging

from core.clock import Clock
from core.kafka.producer import Outgoing, Publisher
from schemas.alert_names import AlertName
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError
from schemas.events import Alert
from schemas.topics import ALERTS

log = logging.getLogger(__name__)

REPEAT_MS = 10 * 60 * 1000
"""A lasting alert is published again after this time."""

CHANGED_MS = 60 * 1000
"""A lasting alert whose message changed is published again after this time."""

_MAX_SUBJECTS = 1_000


class AlertPublisher:
    """Publishes alerts on `llm.alerts.v1`: each name and subject at most once in ten minutes, at
    most once a minute when its message changes.
    """

    def __init__(self, publisher: Publisher, codec: Codec, clock: Clock, worker: str) -> None:
        self._publisher = publisher
        self._codec = codec
        self._clock = clock
        self._worker = worker
        self._fired: dict[tuple[AlertName, str], tuple[int, str]] = {}

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        """Raise an alert, unless it was published recently. One that the broker does not accept is
        logged, and published again soon if its cause lasts: no request fails for it.
        """
        now = self._clock.now()
        if not self._is_due(rule, subject, message, now):
            return
        if len(self._fired) >= _MAX_SUBJECTS:
            self._fired.clear()
        self._fired[rule, subject] = now, message
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
        record = Outgoing(
            topic=ALERTS,
            key=rule.encode(),
            value=self._codec.encode(as_record(alert)),
            partition=0,
        )
        try:
            await (await self._publisher.publish(record))
        except DeliveryError as error:
            log.warning("cannot publish an alert: %s", error)
            self._fired[rule, subject] = now - REPEAT_MS + CHANGED_MS, message

    def _is_due(self, rule: AlertName, subject: str, message: str, now: int) -> bool:
        last = self._fired.get((rule, subject))
        if last is None:
            return True
        at, previous = last
        return now - at >= (REPEAT_MS if message == previous else CHANGED_MS)
