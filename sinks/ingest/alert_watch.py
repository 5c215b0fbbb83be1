"""Raises an alert when no worker evaluates alert rules.

Workers evaluate rules, so a worker cannot detect that none does. The sink reads the record that the
evaluator commits after its evaluations (`schemas.alert_evaluation`). The members of its group are
not sufficient: a member may be alive without evaluating. The sink measures with its own clock how
long that record has not changed, so clocks of several machines need not agree.

The next evaluation resolves the alert. A restart of the sink loses no state that is needed for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from core.schema_registry import KnownSchemas
from schemas.alert_evaluation import AlertEvaluation, read_evaluation
from schemas.alert_names import AlertName
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert
from schemas.topics import ALERTS
from sinks.clock import SinkClock
from sinks.settings import SinkSettings

log = logging.getLogger(__name__)

CHECK_EVERY_S = 5.0
REPEAT_S = 600.0
"""Interval at which a lasting alert is published again."""

SUBJECT = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedLog:
    """The two operations of the watch on the log. Both may raise `KafkaError`."""

    latest: Callable[[], Awaitable[AlertEvaluation | None]]
    publish: Callable[[Alert], Awaitable[None]]


class AlertWatch:
    """Age of the latest evaluation of alert rules; times are s of `SinkClock.elapsed_s`."""

    def __init__(self, clock: SinkClock, *, overdue_s: float, instance: str) -> None:
        self._clock = clock
        self._overdue_s = overdue_s
        self._instance = instance
        self._changed_at = clock.elapsed_s()
        self._fired_at: float | None = None
        self.latest: AlertEvaluation | None = None

    @property
    def age_s(self) -> float:
        """Return the time since the latest new evaluation was seen, s; before the first, since the
        start.
        """
        return self._clock.elapsed_s() - self._changed_at

    def report(self) -> dict[str, Any]:
        """Return the report for /health."""
        return {
            "evaluated_by": None if self.latest is None else self.latest.worker,
            "evaluated_at": None if self.latest is None else self.latest.at,
            "age_s": round(self.age_s, 1),
        }

    async def check(self, log_: WatchedLog) -> None:
        """Check once, and raise the alert if it is due.

        Raises:
            KafkaError: the broker did not respond; the age is then unknown and restarts at zero.
        """
        try:
            found = await log_.latest()
        except KafkaError:
            self._changed_at = self._clock.elapsed_s()
            raise
        if found is not None and found != self.latest:
            self.latest = found
            self._changed_at = self._clock.elapsed_s()
            self._fired_at = None
        if self.age_s >= self._overdue_s and self._is_due():
            await log_.publish(self._alert())
            self._fired_at = self._clock.elapsed_s()

    def _is_due(self) -> bool:
        return self._fired_at is None or self._clock.elapsed_s() - self._fired_at >= REPEAT_S

    def _alert(self) -> Alert:
        last = "" if self.latest is None else f"; the last evaluator was {self.latest.worker}"
        return Alert(
            rule=AlertName.ALERTS_NOT_EVALUATED,
            subject=SUBJECT,
            state="fired",
            severity="critical",
            message=f"no worker has evaluated alert rules for {self.age_s:.0f} s{last}. No rule "
            "fires and no webhook is called until then: check that workers run, and check their "
            "logs for alert errors",
            at=self._clock.now_ms(),
            worker=self._instance,
        )


async def watch_alerts(
    watch: AlertWatch, settings: SinkSettings, known: KnownSchemas | None
) -> None:
    """Check every few seconds, until cancelled."""
    codec = Codec("Alert", known)
    while True:
        admin = AIOKafkaAdminClient(**settings.kafka)
        producer = AIOKafkaProducer(**settings.kafka, acks="all", linger_ms=0)

        async def latest(admin: AIOKafkaAdminClient = admin) -> AlertEvaluation | None:
            return await read_evaluation(admin, settings.group)

        async def publish(alert: Alert, producer: AIOKafkaProducer = producer) -> None:
            log.warning("alert %s: %s", alert.rule, alert.message)
            value = codec.encode(as_record(alert))
            await producer.send_and_wait(ALERTS, value, key=alert.rule.encode(), partition=0)

        try:
            await admin.start()
            await producer.start()
            while True:
                await watch.check(WatchedLog(latest=latest, publish=publish))
                await asyncio.sleep(CHECK_EVERY_S)
        except (KafkaError, OSError) as error:
            log.warning("cannot check the evaluation of alert rules: %s", error)
        finally:
            await admin.close()
            await producer.stop()
        await asyncio.sleep(CHECK_EVERY_S)
