"""One worker process: its parts put together, started in order, drained and left in order.

Start: producers, the registry read to its end, the journal's log, then Faust. End: nothing more is
opened, work in flight ends (at most `drain_s`), offsets are committed, the group is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from typing import Any

import faust
from aiokafka import AIOKafkaProducer

from schemas.codec import Codec
from schemas.topics import FEEDBACK, declared_topics, tier_topic
from streams.agents.classify import classify
from streams.agents.dependencies import Codecs, Dependencies
from streams.agents.execute import execute
from streams.agents.feedback import take_feedback
from streams.agents.interrupted import book_interrupted
from streams.alerts import AlertLog
from streams.app import build_app, feed
from streams.flow.claims import Claims
from streams.flow.clock import BrokerClock
from streams.flow.dead_letters import DeadLetterLimit, DeadLetters
from streams.flow.delivery import KafkaPublisher
from streams.flow.intake import Assignment, Intake, Work
from streams.flow.journal import Owner
from streams.flow.journal_log import KafkaJournalLog
from streams.flow.journals import Journals
from streams.flow.membership import Member
from streams.flow.reply_topics import ReplyTopicPolicy, TopicDirectory
from streams.flow.slots import Slots
from streams.health import serve_health
from streams.providers.catalog import open_providers
from streams.providers.guard import HostPolicy, KeyRing
from streams.providers.load import InstanceLoad
from streams.providers.prices import PriceBook
from streams.registry.live import LiveRegistry
from streams.settings import WorkerSettings

log = logging.getLogger(__name__)

_SWEEP_S = 2.0


class Worker:
    """The parts of a worker and their life."""

    def __init__(self, settings: WorkerSettings, member: Member) -> None:
        self._settings = settings
        self._me = Owner(worker=member.worker, incarnation=uuid.uuid4().hex[:12])
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._assignment = Assignment()
        self._clock = BrokerClock()
        self._publisher = self._new_publisher()
        self._work_topics = [
            tier_topic(tier, high=high) for tier in settings.tier_names for high in (True, False)
        ]
        self._journal_log = KafkaJournalLog(settings.kafka, settings.group, self._work_topics)
        self._journals = Journals(self._journal_log, self._me, self._clock)
        self._alerts = AlertLog(self._publisher, Codec("Alert"), self._clock, self._me.worker)
        self._registry = LiveRegistry(settings.tier_names, self._registry_is_invalid)
        self._app = build_app(settings, member.instance_id)
        self._intakes: dict[str, Intake] = {}
        self._ready = False

    async def run(self) -> None:
        """Work until `stop` is called or something fails that can't be gone on with.

        Raises:
            BaseException: whatever made it stop, after it left in order.
        """
        async with AsyncExitStack() as stack:
            await self._publisher.start()
            stack.push_async_callback(self._publisher.stop)
            await self._journal_log.start()
            stack.push_async_callback(self._journal_log.stop)
            self._background(stack, self._registry.follow(self._settings.kafka))
            await self._first(self._registry.loaded())
            deps = await self._dependencies(stack)
            self._wire(deps)
            self._background(stack, self._journals.run())
            self._background(stack, self._sweep(deps))
            await serve_health(
                stack, self._settings.worker_host, self._settings.worker_port, self.status
            )
            if not self._stopping.is_set():
                await self._serve()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Drain and leave."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """What /health says."""
        return {
            "healthy": self._ready and not self._stopping.is_set(),
            "worker": self._me.worker,
            "incarnation": self._me.incarnation,
            "in_flight": sum(intake.in_flight for intake in self._intakes.values()),
            "partitions": {topic: list(self._assignment.owned(topic)) for topic in self._intakes},
        }

    async def _serve(self) -> None:
        app = self._app
        app.finalize()
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_partitions_assigned.connect(self._on_assigned)  # type: ignore[arg-type]
        await app.maybe_start()
        crash = asyncio.create_task(_crashed(app))
        await asyncio.wait(
            {crash, asyncio.create_task(self._stopping.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        if crash.done() and self._failure is None:
            self._failure = crash.result()
        self._stopping.set()
        crash.cancel()
        await self._leave(app)

    async def _leave(self, app: faust.App) -> None:
        self._assignment.close()
        drained = asyncio.gather(*(intake.drained() for intake in self._intakes.values()))
        try:
            await asyncio.wait_for(drained, self._settings.drain_s)
        except TimeoutError:
            log.warning("work in flight did not end in time; its journal says who takes it over")
        with suppress(Exception):
            await asyncio.wait_for(app.consumer.commit(), 2.0)
        _forget_static_name(app)
        try:
            await asyncio.wait_for(app.stop(), 5.0)
        except TimeoutError:
            log.warning("the consumer did not leave in time")

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._assignment.revoke()

    async def _on_assigned(self, _: Any, assigned: Collection[Any], **__: Any) -> None:
        places = [(place.topic, place.partition) for place in assigned]
        work = set(self._work_topics)
        owned = {partition for topic, partition in places if topic in work}
        await self._journals.assign(owned)
        self._assignment.assign(places)
        self._ready = True
        log.info("assigned %d partitions", len(places))

    def _wire(self, deps: Dependencies) -> None:
        """One intake per topic; both topics of a tier share its slots."""
        settings = self._settings

        async def classified(work: Work) -> None:
            await classify(work.message, deps)

        async def executed(work: Work) -> None:
            await execute(work, deps)

        async def fed_back(work: Work) -> None:
            await take_feedback(work.message, deps)

        def intake(slots: Slots, handler: Callable[[Work], Any]) -> Intake:
            return Intake(self._assignment, slots, handler, self._fail)

        for topic in settings.bound_tenants:
            self._intakes[topic] = intake(Slots(settings.classify_slots), classified)
        for tier in settings.tier_names:
            slots = Slots(settings.slots_per_tier)
            for high in (True, False):
                self._intakes[tier_topic(tier, high=high)] = intake(slots, executed)
        self._intakes[FEEDBACK] = intake(Slots(settings.classify_slots), fed_back)
        feed(self._app, self._intakes, self._fail)

    async def _dependencies(self, stack: AsyncExitStack) -> Dependencies:
        settings = self._settings
        providers = open_providers(
            KeyRing.from_patterns(settings.allowed_keys),
            HostPolicy.from_patterns(settings.allowed_hosts),
        )
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        limit = DeadLetterLimit(
            window=settings.dead_letter_window, share=settings.dead_letter_share
        )
        directory = TopicDirectory(self._publisher.topics, time.monotonic)
        return Dependencies(
            me=self._me,
            cluster=settings.cluster,
            clock=self._clock,
            publisher=self._publisher,
            dead_letters=DeadLetters(self._publisher, self._me.worker, limit),
            journals=self._journals,
            claims=Claims(),
            registry=self._registry,
            providers=providers,
            pricing=PriceBook(),
            load=InstanceLoad(),
            alerts=self._alerts,
            codecs=Codecs(),
            reply_topics=ReplyTopicPolicy(prefixes=settings.reply_prefixes),
            reply_topic_exists=directory.has,
            sleep_ms=_sleep_ms,
            bound_tenants=settings.bound_tenants,
            journal_before_call=settings.journal_before_call,
        )

    def _new_publisher(self) -> KafkaPublisher:
        settings = self._settings
        declared = declared_topics(
            settings.tier_names, request_topics=tuple(settings.bound_tenants)
        )
        shared: dict[str, Any] = {**settings.kafka, "acks": "all", "linger_ms": 0}
        own = AIOKafkaProducer(
            **shared,
            enable_idempotence=True,
            request_timeout_ms=60_000,
            max_request_size=max(topic.max_message_bytes for topic in declared),
        )
        replies = AIOKafkaProducer(
            **shared, request_timeout_ms=30_000, max_request_size=8 * 1024 * 1024
        )
        limits = {topic.name: topic.max_message_bytes for topic in declared}
        return KafkaPublisher(own, replies, limits, self._clock)

    async def _sweep(self, deps: Dependencies) -> None:
        """Book calls that were cut off and whose hop nobody opens again."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for partition, calls in self._journals.orphans().items():
                await book_interrupted(partition, calls, deps)

    async def _registry_is_invalid(self, version: str, problem: str) -> None:
        await self._alerts.fire("invalid_registry", version, problem)

    def _background(self, stack: AsyncExitStack, work: Any) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        stack.push_async_callback(_cancelled, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            log.error("stopping: %s: %s", type(error).__name__, error)
            self._failure = error
        self._stopping.set()

    async def _first(self, wanted: Any) -> None:
        """Wait for something, or for the order to stop."""
        tasks = {asyncio.ensure_future(wanted), asyncio.create_task(self._stopping.wait())}
        _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()


async def _crashed(app: faust.App) -> BaseException:
    """The reason why Faust crashed, once it has; it has no event to wait for."""
    while not app.crashed:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    reason: BaseException = app.crash_reason or RuntimeError("Faust crashed without a reason")
    return reason


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


async def _sleep_ms(milliseconds: float) -> None:
    await asyncio.sleep(milliseconds / 1000)


def _forget_static_name(app: faust.App) -> None:
    """Let the consumer leave its group when it stops.

    aiokafka sends no LeaveGroup for a static member, and its partitions would lie idle for the
    session timeout; without its name it leaves like any other.
    """
    thread = getattr(app.consumer, "_thread", None)
    consumer = getattr(thread, "_consumer", None)
    coordinator = getattr(consumer, "_coordinator", None)
    if coordinator is not None:
        coordinator._group_instance_id = None
