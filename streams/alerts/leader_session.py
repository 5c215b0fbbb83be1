"""One session as the leader that evaluates alerts, from the election until the lease is lost.

Each turn reads new alerts, then new events, and evaluates the rules every `EVERY_MS` of the log's
time. Alerts are delivered to webhooks only after they are read back from the log, in order, so a
change is delivered once whoever evaluated it. The instant of an evaluation is that up to which
every event was read: a lagging evaluator has the same results, later.

Two processes that both consider themselves the leader (one was paused) can each publish a record;
the second is a repeat for `ActiveAlerts`. A turn longer than half of the lease publishes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from core.clock import Clock
from core.codecs import Codecs
from core.kafka.producer import Outgoing, Publisher
from schemas.alert_evaluation import AlertEvaluation
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert
from schemas.topics import ALERTS
from streams.alerts.evaluation.active_alerts import AlertBook, read_alert
from streams.alerts.evaluation.evaluator import Evaluator
from streams.alerts.log.alert_log import AlertLog, AlertRecord
from streams.alerts.log.event_facts import LagSeen
from streams.alerts.log.event_reader import EventReader, EventRecord, topics_of
from streams.alerts.log.lease_times import LeaseTimes
from streams.alerts.webhooks.webhook_queues import Webhooks
from streams.bad_input.bad_records import BadRecords, unwatched
from streams.routing.alert_rules import Alerting, MeasureKind

log = logging.getLogger(__name__)

EVERY_MS = 5_000
"""Interval of evaluations, in the log's time."""

PROGRESS_EVERY_MS = 10_000
"""Interval of published evaluations."""

LISTEN_EVERY_MS = 1_000
LAG_EVERY_MS = 10_000
TOPICS_EVERY_MS = 10_000
"""Interval of the search for new topics."""

MOST_ALERTS = 100
"""Maximum number of records of one evaluation; the rest follow with the next."""

LEAVE_S = 2.0

AT_ONCE = 50
"""Events applied before other tasks run."""

_REST = 2.0
"""Pause after a batch, relative to its duration: a backlog takes at most a third of the loop's
time.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The registry's alert rules now, and its tiers, cheapest first."""

    alerting: Alerting
    tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDependencies:
    """Dependencies of the evaluation.

    `rules` returns the current ones; `groups` are the consumer groups whose lag is measured;
    `changed` receives the rule and the new state of each change; `name` is this worker's.
    """

    log: AlertLog
    publisher: Publisher
    codecs: Codecs
    alert_codec: Codec
    rules: Callable[[], Rules]
    webhooks: Webhooks
    clock: Clock
    name: str
    groups: Collection[str] = ()
    times: LeaseTimes = field(default_factory=LeaseTimes)
    changed: Callable[[str, str], None] = lambda rule, state: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    bad: BadRecords = field(default_factory=unwatched)


class LeaderSession:
    """State of one session; all of it comes from the log."""

    def __init__(self, deps: AlertDependencies) -> None:
        self._deps = deps
        self._book = AlertBook()
        self._rules: Rules | None = None
        self._topics: frozenset[str] = frozenset()
        self._evaluator = Evaluator(Alerting(), ("",), deps.name)
        self._reader = EventReader(deps.codecs, (), deps.bad)
        self._complete_from = 0
        self._evaluated = 0
        self._shown = 0
        self._listened_at = float("-inf")
        self._lag_at = float("-inf")
        self._topics_at = float("-inf")
        self._progress_at = float("-inf")
        self._delivered: int | None = None

    async def serve(self) -> None:
        """Evaluate until the lease is lost.

        Raises:
            KafkaError: the broker did not respond.
            DeliveryError: it did not accept an alert.
        """
        await self.begin()
        try:
            while self._deps.log.mine:
                await self.turn()
        finally:
            if self._deps.log.mine:
                await self._leave()

    async def _leave(self) -> None:
        """Wait briefly for deliveries, and commit what is delivered: an orderly shutdown leaves
        nothing to deliver twice.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._deps.webhooks.drained()
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(LEAVE_S):
                await self._commit_delivered()

    async def begin(self) -> None:
        """Read the active alerts, and continue delivery where the last leader stopped."""
        deps = self._deps
        records = await deps.log.alerts()
        self._delivered = await deps.log.delivered_offset()
        if self._delivered is None:
            self._delivered = records[-1].offset + 1 if records else 0
            await deps.log.commit_delivered(self._delivered)
        deps.webhooks.begin(self._delivered)
        await deps.webhooks.use(deps.rules().alerting.webhooks)
        for record in records:
            await self._take(record)

    async def turn(self) -> None:
        """Read new records, and publish due alerts."""
        deps = self._deps
        begun = deps.clock.elapsed_ms()
        await self._arrange()
        if begun - self._listened_at >= LISTEN_EVERY_MS:
            await self._listen()
        read = await deps.log.read()
        await self._see(read.records)
        await self._measure_lag()
        if read.frontier is not None:
            await self._evaluate(read.frontier, begun)
        await self._commit_delivered()
        await self._show_progress()

    async def _listen(self) -> None:
        """Apply all alerts published up to now, by any process."""
        self._listened_at = self._deps.clock.elapsed_ms()
        for record in await self._deps.log.alerts():
            await self._take(record)

    async def _arrange(self) -> None:
        """Evaluate by the current rules, from the log's past."""
        deps, now = self._deps, self._deps.clock.elapsed_ms()
        rules = deps.rules()
        known = self._rules == rules
        if known and now - self._topics_at < TOPICS_EVERY_MS:
            return
        evaluator = Evaluator(rules.alerting, rules.tiers, deps.name)
        topics = topics_of(evaluator.kinds, await deps.log.topics())
        self._topics_at = now
        if known and topics == self._topics:
            return
        self._rules, self._topics, self._evaluator = rules, topics, evaluator
        self._reader = EventReader(deps.codecs, evaluator.kinds, deps.bad)
        await deps.webhooks.use(rules.alerting.webhooks)
        self._complete_from = deps.clock.now()
        await deps.log.follow(topics, self._complete_from - evaluator.horizon_ms)

    async def _take(self, record: AlertRecord) -> None:
        deps, notice = self._deps, None
        try:
            value = await deps.codecs.decode(deps.alert_codec, record.value)
            notice = self._book.take(read_alert(value), at=record.at, offset=record.offset)
        except Exception as error:  # noqa: BLE001 - no record may end the reading of others
            deps.bad.note(ALERTS, 0, record.offset, error)
        if notice is not None and record.offset >= (self._delivered or 0):
            deps.changed(notice.alert.rule, notice.change.value)
        deps.webhooks.read(record.offset, notice)

    async def _see(self, records: Sequence[EventRecord]) -> None:
        if not records:
            return
        deps = self._deps
        begun = deps.clock.elapsed_ms()
        for number, record in enumerate(records):
            seen = await self._reader.seen(record)
            if seen is not None:
                self._evaluator.take(seen)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        await deps.sleep((deps.clock.elapsed_ms() - begun) / 1000 * _REST)

    async def _measure_lag(self) -> None:
        deps = self._deps
        if MeasureKind.CONSUMER_LAG not in self._evaluator.kinds:
            return
        if deps.clock.elapsed_ms() - self._lag_at < LAG_EVERY_MS:
            return
        self._lag_at = deps.clock.elapsed_ms()
        found = await deps.log.lag(deps.groups)
        for (group, topic), records in found.items():
            self._evaluator.take(
                LagSeen(at=deps.clock.now(), group=group, topic=topic, records=records)
            )

    async def _evaluate(self, frontier: int, begun: float) -> None:
        if frontier < max(self._complete_from, self._evaluated + EVERY_MS):
            return
        self._evaluated = frontier
        await self._listen()
        wanted: list[Alert] = []
        for alerts in self._evaluator.evaluate(frontier, self._book):
            wanted += alerts
            await asyncio.sleep(0)
        for alert in wanted[:MOST_ALERTS]:
            if not self._may_publish(begun):
                log.warning(
                    "alert evaluation took too long; the next turn publishes the remaining alerts"
                )
                return
            await self._publish(alert)

    def _may_publish(self, begun: float) -> bool:
        took = self._deps.clock.elapsed_ms() - begun
        return self._deps.log.mine and took < self._deps.times.session_ms / 2

    async def _publish(self, alert: Alert) -> None:
        deps = self._deps
        log.warning("alert %s (%s) %s: %s", alert.rule, alert.subject, alert.state, alert.message)
        record = Outgoing(
            topic=ALERTS,
            key=alert.rule.encode(),
            value=deps.alert_codec.encode(as_record(alert)),
            partition=0,
        )
        await (await deps.publisher.publish(record))

    async def _show_progress(self) -> None:
        """Publish that rules are evaluated, and by which worker."""
        deps, now = self._deps, self._deps.clock.elapsed_ms()
        if self._shown == self._evaluated or now - self._progress_at < PROGRESS_EVERY_MS:
            return
        await deps.log.evaluated(AlertEvaluation(worker=deps.name, at=self._evaluated))
        self._progress_at, self._shown = now, self._evaluated

    async def _commit_delivered(self) -> None:
        """Commit the offset up to which alerts are delivered."""
        delivered = self._deps.webhooks.delivered_offset
        if delivered != self._delivered:
            await self._deps.log.commit_delivered(delivered)
            self._delivered = delivered
