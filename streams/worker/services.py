"""Services beside a worker's handlers: budgets, alerts, status reports, name guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from core.alert_port import Alerts
from core.clock import BrokerClock
from core.codecs import Codecs
from core.kafka.producer import Publisher
from schemas.encoding.codec import Codec
from schemas.topics import tier_topic
from schemas.worker_status import WorkerStatus
from streams.alerts.factory import open_alerts
from streams.alerts.leader_session import AlertDependencies, Rules
from streams.alerts.service import evaluate_alerts
from streams.alerts.worker_alerts import AlertPublisher
from streams.bad_input.bad_records import BadRecords
from streams.budgets.budget_log import KafkaBudgetLog
from streams.budgets.budget_tracker import BudgetTracker
from streams.budgets.call_budgets import LiveBudgets
from streams.budgets.expected_costs import expected_by_price
from streams.budgets.reservations import Reservations
from streams.flow.dispatcher import PartitionAssignment
from streams.flow.worker_status_feed import KafkaStatusFeed
from streams.journal.admission import Owner
from streams.membership.name_guard import NameGuard, NameTakenOverError
from streams.observability.metrics import WorkerMetrics
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.pricing.price_list import PriceBook
from streams.registry.live import LiveRegistry
from streams.routing.budgets import Budget
from streams.worker.settings import WorkerSettings
from streams.worker.status_reports import StatusReports

Service = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled."""


class Services:
    """Opens the services of one worker; `opened` are those to run, once each."""

    def __init__(
        self,
        settings: WorkerSettings,
        me: Owner,
        *,
        registry: LiveRegistry,
        publisher: Publisher,
        assignment: PartitionAssignment,
        codecs: Codecs,
        clock: BrokerClock,
        bad: BadRecords,
    ) -> None:
        self._bad = bad
        self._settings = settings
        self._me = me
        self._registry = registry
        self._publisher = publisher
        self._assignment = assignment
        self._codecs = codecs
        self._clock = clock
        self.opened: list[Service] = [bad.run]
        self.announced = asyncio.Event()
        self._alerts: AlertDependencies | None = None

    @property
    def evaluates_alerts(self) -> bool:
        """Return whether this worker evaluates alert rules."""
        return self._alerts is not None and self._alerts.log.mine

    async def budgets(
        self, stack: AsyncExitStack, prices: PriceBook, alerts: AlertPublisher
    ) -> LiveBudgets:
        """Return the budgets, counted up to now; owned partitions of the first tier define the
        owned ledger.

        Raises:
            TopicError: the cost topic or the ledger is missing, or one was recreated.
        """
        log = KafkaBudgetLog(self._settings.librdkafka)
        await log.start()
        stack.push_async_callback(log.stop)
        reservations = Reservations()
        first = tier_topic(self._settings.tier_names[0])
        codecs = self._codecs

        def current() -> tuple[Budget, ...]:
            return self._registry.snapshot.budgets

        follower = BudgetTracker(
            log,
            budgets=current,
            owned=lambda: self._assignment.owned(first),
            decode=lambda value: codecs.decode(codecs.cost, value),
            ledger=Codec("BudgetEntry", codecs.known),
            publisher=self._publisher,
            alerts=alerts,
            clock=self._clock,
            me=self._me,
            reservations=reservations,
            estimate=expected_by_price(lambda: self._registry.snapshot.models, prices),
            bad=self._bad,
        )
        await follower.catch_up()
        stack.push_async_callback(follower.close)
        self.opened.append(follower.run)
        return LiveBudgets(current, follower, reservations, self._clock)

    def alerts(
        self, stack: AsyncExitStack, hosts: HostPolicy, keys: KeyRing, metrics: WorkerMetrics
    ) -> None:
        """Open the evaluator of alert rules, which waits for its election."""
        settings = self._settings
        deps = self._alerts = open_alerts(
            stack,
            kafka=settings.kafka,
            group=settings.group,
            lag_groups=(settings.group, settings.sink_group),
            publisher=self._publisher,
            codecs=self._codecs,
            alert_codec=Codec("Alert", self._codecs.known),
            rules=self._rules,
            hosts=hosts,
            keys=keys,
            clock=self._clock,
            name=self._me.worker,
            metrics=metrics,
            bad=self._bad,
            times=settings.alert_lease,
        )
        self.opened.append(lambda: evaluate_alerts(deps))

    def reports(
        self,
        status: Callable[[], WorkerStatus],
        topics: Callable[[], Awaitable[frozenset[str]]],
        keeps_name: Callable[[], bool],
    ) -> None:
        """Open the status reports of this worker for operators and namesakes."""
        reports = StatusReports(
            self._publisher, status, self._registry.changed, topics, keeps_name=keeps_name
        )
        self.announced = reports.announced
        self.opened.append(reports.run)

    async def name_guard(
        self,
        stack: AsyncExitStack,
        mine: WorkerStatus,
        alerts: Alerts,
        lost: Callable[[NameTakenOverError], None],
    ) -> None:
        """Watch for another process with this worker's name."""
        feed = KafkaStatusFeed(self._settings.librdkafka)
        stack.push_async_callback(feed.stop)
        await feed.start()
        self.opened.append(NameGuard(feed, mine, alerts, lost).run)

    def _rules(self) -> Rules:
        snapshot = self._registry.snapshot
        return Rules(alerting=snapshot.alerting, tiers=snapshot.tiers)
