"""Container of a worker: producers, dependencies of the handlers, dispatchers of topics."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from core.clock import BrokerClock
from core.codecs import Codecs
from core.kafka.producer import OWN_TIMEOUT_MS, KafkaPublisher
from core.kafka.publishing.paced_metadata import pace_metadata
from core.schema_registry import known_schemas
from schemas.encoding.avro_schemas import VALUES
from schemas.encoding.codec import Codec
from schemas.topic_declarations import declared_topics
from schemas.topics import FEEDBACK, OUTCOMES, WAIT_DELAYS_S, WORKERS, tier_topic, wait_topic
from schemas.worker_status import WorkerStatus
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.ports import CallPorts, IntakePorts, KafkaPorts, Observers
from streams.agents.context.shadow_spend import ShadowSpendLimiter
from streams.agents.handlers import Handlers
from streams.alerts.worker_alerts import AlertPublisher
from streams.bad_input.bad_input_pace import BadInputPace
from streams.bad_input.bad_records import BadRecords
from streams.bad_input.dead_letters import DeadLetterLimit, DeadLetters
from streams.flow.concurrency_limiter import ConcurrencyLimiter, PriorityLimiter
from streams.flow.dispatcher import Handler, PartitionAssignment, TopicDispatcher
from streams.flow.log_gaps import LogGaps
from streams.flow.reply_topics import ReplyTopicPolicy, TopicDirectory
from streams.journal.admission import Owner
from streams.journal.in_flight_hops import InFlightRegistry
from streams.journal.journal_log import KafkaJournalLog
from streams.journal.owned_journals import Journals
from streams.journal.sent_replies import KafkaSentReplies
from streams.membership.name_guard import NameTakenOverError
from streams.membership.partition_pauses import PartitionPauses
from streams.observability.metrics import WorkerMetrics
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.installed import open_providers
from streams.providers.pricing.price_list import PriceBook
from streams.providers.reliability.instance_load import Instances
from streams.providers.reliability.tenant_limits import TenantLimits
from streams.routing.decision import CODE_VERSION
from streams.tracing.factory import open_tracer
from streams.worker.registry_alerts import live_registry
from streams.worker.services import Services
from streams.worker.settings import WorkerSettings

log = logging.getLogger(__name__)

_REPLY_TIMEOUT_MS = 30_000
_DEAD_LETTER_LINGER_MS = 50
"""Linger of dead letters: under a flood, one produce request each would cost more than all other
work.
"""

_MAX_REPLY_BYTES = 8 * 1024 * 1024


class WorkerContainer:
    """The parts of a worker that live as long as its process."""

    def __init__(self, settings: WorkerSettings, me: Owner) -> None:
        self.settings = settings
        self.me = me
        self.clock = BrokerClock()
        self.started_at = 0
        self.keeps_name = True
        self.known = known_schemas(settings.schema_registry_url)
        self.publisher = _publisher(settings, self.clock)
        self.work_topics = tuple(
            tier_topic(tier, high=high) for tier in settings.tier_names for high in (True, False)
        )
        self.journal_log = KafkaJournalLog(settings.librdkafka, settings.group, self.work_topics)
        self.metrics = WorkerMetrics()
        self.gaps = LogGaps()
        self.attempts = DeliveryAttempts(me.incarnation)
        self.alerts = AlertPublisher(
            self.publisher, Codec("Alert", self.known), self.clock, me.worker
        )
        self.pauses = PartitionPauses()
        self.bad_input = BadInputPace(time.monotonic, self.pauses.pause)
        self.bad_records = BadRecords(self.alerts, self.metrics.bad_record)
        self.journals = Journals(self.journal_log, me, self.clock, self.bad_records)
        self.registry = live_registry(settings, self.alerts, self.metrics)
        self.assignment = PartitionAssignment()
        self.codecs = Codecs(self.known)
        self.services = Services(
            settings,
            me,
            registry=self.registry,
            publisher=self.publisher,
            assignment=self.assignment,
            codecs=self.codecs,
            clock=self.clock,
            bad=self.bad_records,
        )

    async def register_schemas(self, stack: AsyncExitStack) -> None:
        """Register the values' schemas at the schema registry, if one is set; the stack closes it.

        Raises:
            SchemaRegistryAwayError: it does not respond, or rejects one.
        """
        if self.known is not None:
            stack.push_async_callback(self.known.close)
            await self.known.register(VALUES)

    async def guard_name(
        self, stack: AsyncExitStack, lost: Callable[[NameTakenOverError], None]
    ) -> None:
        """Watch for another process with this worker's name, if the topic for it exists."""
        if WORKERS not in await self.publisher.topics():
            log.warning(
                "topic %s is missing, so another process named %s is not detected; run: "
                "sluice topics create",
                WORKERS,
                self.me.worker,
            )
            return
        mine = WorkerStatus(
            worker=self.me.worker, incarnation=self.me.incarnation, started_at=self.started_at
        )

        def lose(error: NameTakenOverError) -> None:
            self.keeps_name = False
            self.assignment.revoke()
            self.assignment.close()
            lost(error)

        await self.services.name_guard(stack, mine, self.alerts, lose)

    async def dependencies(self, stack: AsyncExitStack) -> Dependencies:
        """Return the handlers' dependencies, with their services open; the stack closes them.

        Raises:
            TopicError: a topic that budgets are counted from is missing, or was recreated.
        """
        settings = self.settings
        keys = KeyRing.from_patterns(settings.allowed_keys, secrets_dir=settings.secrets_dir)
        hosts = HostPolicy.from_patterns(settings.allowed_hosts)
        providers = open_providers(keys, hosts)
        self.services.reports(
            partial(self._status, keys, hosts, tuple(sorted(providers))),
            self.publisher.topics,
            lambda: self.keeps_name,
        )
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        limit = DeadLetterLimit(
            window=settings.dead_letter_window, share=settings.dead_letter_share
        )
        prices = PriceBook()
        self.services.alerts(stack, hosts, keys, self.metrics)
        tracer = open_tracer(
            settings.traces_endpoint,
            ratio=settings.traces_ratio,
            to_providers=settings.traces_to_providers,
            worker=self.me.worker,
        )
        stack.push_async_callback(tracer.close)
        directory = TopicDirectory(self.publisher.topics, time.monotonic)
        sent_replies = KafkaSentReplies(settings.librdkafka)
        stack.push_async_callback(sent_replies.close)
        return Dependencies(
            kafka=KafkaPorts(
                me=self.me,
                clock=self.clock,
                codecs=self.codecs,
                publisher=self.publisher,
                dead_letters=DeadLetters(
                    self.publisher,
                    self.me.worker,
                    limit,
                    self.metrics.dead_lettered,
                    alerts=self.alerts,
                    pace=self.bad_input,
                ),
                journals=self.journals,
                in_flight=InFlightRegistry(),
                sent_replies=sent_replies,
                parts=self.publisher,
            ),
            calls=CallPorts(
                providers=providers,
                pricing=prices,
                instances=Instances(self._owned_share),
                sleep_ms=_sleep_ms,
                tenants=TenantLimits(self._owned_share),
                budgets=await self.services.budgets(stack, prices, self.alerts),
                journal_before_call=settings.journal_before_call,
            ),
            intake=IntakePorts(
                cluster=settings.cluster,
                reply_topics=ReplyTopicPolicy(prefixes=settings.reply_prefixes),
                reply_topic_exists=directory.has,
                bound_tenants=settings.bound_tenants,
            ),
            observers=Observers(alerts=self.alerts, metrics=self.metrics, tracer=tracer),
            registry=self.registry,
            shadow_spend=ShadowSpendLimiter(self._owned_share),
        )

    def _status(self, keys: KeyRing, hosts: HostPolicy, providers: tuple[str, ...]) -> WorkerStatus:
        """Return this worker's status for operators: names of keys, never keys."""
        refused, problem = self.registry.refused or (None, "")
        return WorkerStatus(
            worker=self.me.worker,
            incarnation=self.me.incarnation,
            started_at=self.started_at,
            registry=self.registry.version,
            refused=refused,
            problem=problem,
            tiers=self.settings.tier_names,
            providers=providers,
            hosts=hosts.patterns,
            key_patterns=keys.patterns,
            keys=keys.names(),
            code_version=CODE_VERSION,
        )

    def _owned_share(self) -> float:
        """Return the owned share of the tiers' partitions, 0..1; all have the same number."""
        owned = sum(len(self.assignment.owned(topic)) for topic in self.work_topics)
        whole = self.publisher.partition_count(OUTCOMES) * len(self.work_topics)
        return owned / whole if whole else 0.0

    def intakes(
        self, deps: Dependencies, on_fatal: Callable[[BaseException], None]
    ) -> dict[str, TopicDispatcher]:
        """Return one dispatcher per topic; topics of a tier share its slots, priority first."""
        settings = self.settings

        handlers = Handlers(deps)

        def intake(
            slots: ConcurrencyLimiter, handler: Handler, gaps: LogGaps | None = None
        ) -> TopicDispatcher:
            return TopicDispatcher(
                self.assignment, slots, handler, on_fatal, gaps=gaps, attempts=self.attempts
            )

        found = {
            topic: intake(ConcurrencyLimiter(settings.classify_slots), handlers.requests, self.gaps)
            for topic in settings.bound_tenants
        }
        for tier in settings.tier_names:
            slots = ConcurrencyLimiter(settings.slots_per_tier)
            found[tier_topic(tier, high=True)] = intake(PriorityLimiter(slots), handlers.hops)
            found[tier_topic(tier)] = intake(slots, handlers.hops)
        for delay_s in WAIT_DELAYS_S:
            found[wait_topic(delay_s)] = intake(
                ConcurrencyLimiter(settings.wait_slots), handlers.waiting(delay_s)
            )
        found[FEEDBACK] = intake(
            ConcurrencyLimiter(settings.classify_slots), handlers.feedback, self.gaps
        )
        return found


def _publisher(settings: WorkerSettings, clock: BrokerClock) -> KafkaPublisher:
    declared = declared_topics(settings.tier_names, request_topics=tuple(settings.bound_tenants))
    shared: dict[str, Any] = {**settings.kafka, "acks": "all", "linger_ms": 0}
    own = AIOKafkaProducer(
        **shared,
        enable_idempotence=True,
        request_timeout_ms=OWN_TIMEOUT_MS,
        max_request_size=max(topic.max_message_bytes for topic in declared),
    )
    replies = AIOKafkaProducer(
        **shared, request_timeout_ms=_REPLY_TIMEOUT_MS, max_request_size=_MAX_REPLY_BYTES
    )
    limits = {topic.name: topic.max_message_bytes for topic in declared}
    aside = AIOKafkaProducer(
        **{**shared, "linger_ms": _DEAD_LETTER_LINGER_MS},
        enable_idempotence=True,
        request_timeout_ms=OWN_TIMEOUT_MS,
        max_request_size=max(topic.max_message_bytes for topic in declared),
    )
    for producer in (own, replies, aside):
        pace_metadata(producer)
    return KafkaPublisher(own, replies, limits, clock, aside=aside)


async def _sleep_ms(milliseconds: float) -> None:
    await asyncio.sleep(milliseconds / 1000)
