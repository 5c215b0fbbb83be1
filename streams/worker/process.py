"""One worker process: ordered startup, drain and shutdown.

Startup: producers, the broker's time, the registry read to its end, the journal's log, then Faust.
Shutdown: no more messages are opened, work in flight ends (at most `drain_s`), offsets are
committed, the group is left.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

import faust

from core.background_tasks import cancelled
from core.ops_http import OpsPages, ops_server
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.ports import KafkaPorts
from streams.flow.broker_clock import sync_broker_clock
from streams.flow.dispatcher import TopicDispatcher
from streams.journal.admission import Owner
from streams.membership.static_member import Member
from streams.membership.topology_watch import REBALANCES
from streams.observability.consumer_lag import Partition, consumer_lag
from streams.observability.loop_lag import watch_loop
from streams.observability.readings import observe
from streams.worker.broker_watches import gap_watch, topology_watch
from streams.worker.container import WorkerContainer
from streams.worker.faust_app import build_app, register_agents
from streams.worker.health import why_not_ready
from streams.worker.journalled_assignment import JournalledAssignment
from streams.worker.settings import WorkerSettings
from streams.worker.shutdown import leave
from streams.worker.worker_readings import readings_of

log = logging.getLogger(__name__)

_SWEEP_S = 2.0


class Worker:
    """A worker process."""

    def __init__(self, settings: WorkerSettings, member: Member) -> None:
        self._settings = settings
        self._me = Owner(worker=member.worker, incarnation=uuid.uuid4().hex[:12])
        self._has_fixed_name = member.instance_id is not None
        self._parts = WorkerContainer(settings, self._me)
        self._app = build_app(settings, member.instance_id, self._parts.attempts)
        self._intakes: dict[str, TopicDispatcher] = {}
        self._deps: Dependencies | None = None
        self.stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._ready = False
        self._topology = topology_watch(self._app, self._parts, settings, lambda: self._intakes)
        self._journalled = JournalledAssignment(self._parts.journals, self._ended)

    async def run(self) -> None:
        """Run until `stop` is called or a fatal error occurs.

        Raises:
            BaseException: the fatal error, after an orderly shutdown.
        """
        async with AsyncExitStack() as stack:
            try:
                await self._work(stack)
            except Exception as error:
                # The time for the shutdown counts from here.
                self._fail(error)
                raise
        if self._failure is not None:
            raise self._failure

    async def _work(self, stack: AsyncExitStack) -> None:
        parts = self._parts
        pages = OpsPages(
            report=self.status, why_not_ready=self._why_not_ready, metrics=parts.metrics.registry
        )
        settings = self._settings
        await stack.enter_async_context(
            ops_server(settings.worker_host, settings.worker_port, pages)
        )
        await parts.register_schemas(stack)
        await parts.publisher.start()
        stack.push_async_callback(parts.publisher.stop)
        await sync_broker_clock(parts.publisher, parts.clock)
        parts.started_at = parts.clock.now()
        await parts.journal_log.start()
        stack.push_async_callback(parts.journal_log.stop)
        self._background(stack, parts.registry.follow(self._settings.librdkafka))
        await self._loaded()
        deps = self._deps = await parts.dependencies(stack)
        self._intakes = parts.intakes(deps, self._fail)
        register_agents(self._app, self._intakes, self._fail)
        observe(
            readings_of(
                deps,
                self._intakes,
                parts.assignment,
                self._lag,
                evaluates_alerts=lambda: parts.services.evaluates_alerts,
            ),
            parts.metrics.registry,
        )
        if self._has_fixed_name:
            await parts.guard_name(stack, self._fail)
        for service in parts.services.opened:
            self._background(stack, service())
        self._background(stack, watch_loop(parts.metrics.loop_was_late, parts.clock))
        self._background(stack, parts.journals.run())
        self._background(stack, self._sweep(deps.kafka))
        self._background(stack, gap_watch(self._app, self._parts, self._settings).run())
        await self._announced()
        if not self.stopping.is_set():
            await self._serve()

    def stop(self) -> None:
        """Drain and shut down."""
        self.stopping.set()

    async def _why_not_ready(self) -> str | None:
        return why_not_ready(self.status())

    def status(self) -> dict[str, Any]:
        """What /health says."""
        return {
            "healthy": self._ready and not self.stopping.is_set() and not self._reads_nothing(),
            "worker": self._me.worker,
            "incarnation": self._me.incarnation,
            "registry": self._parts.registry.version,
            "evaluates_alerts": self._parts.services.evaluates_alerts,
            "request_fault": self._request_fault(),
            "in_flight": sum(intake.in_flight for intake in self._intakes.values()),
            "partitions": {
                topic: list(self._parts.assignment.owned(topic)) for topic in self._intakes
            },
        }

    def _request_fault(self) -> str | None:
        """Return why this worker takes no requests, or what they wait for, if that is known."""
        if self._journalled.fault is not None:
            return self._journalled.fault
        if self._ready and not self._parts.assignment.is_settled:
            return REBALANCES
        fault = self._topology.fault if self._ready else None
        return fault or self._parts.publisher.fault

    def _reads_nothing(self) -> bool:
        """Return whether it reads no request partition though it should."""
        if self._request_fault() is None:
            return False
        owned = self._parts.assignment.owned
        has_any = any(owned(topic) for topic in self._settings.callers_topics)
        return not (has_any and self._topology.reads_requests)

    def _lag(self) -> Mapping[Partition, int]:
        if not self._ready:
            return {}
        consumer: Any = self._app.consumer
        places = [
            (topic, partition)
            for topic in self._intakes
            for partition in self._parts.assignment.owned(topic)
        ]
        return consumer_lag(places, consumer.end_of, consumer.committed_of)

    async def _serve(self) -> None:
        app = self._app
        app.finalize()
        consumer: Any = app.consumer
        self._parts.attempts.log = consumer
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_partitions_assigned.connect(self._on_assigned)  # type: ignore[arg-type]
        await app.maybe_start()
        self._parts.pauses.use(app.consumer)
        looks = asyncio.create_task(self._topology.run())
        looks.add_done_callback(self._ended)
        crash = asyncio.create_task(_crashed(app))
        ordered = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({crash, ordered}, return_when=asyncio.FIRST_COMPLETED)
        if crash.done():
            self._fail(crash.result())
        for task in (crash, ordered, looks):
            task.cancel()
        await leave(app, self._parts, self._intakes, self._deps, self._settings.drain_s)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._journalled.revoke()
        self._parts.assignment.revoke()

    async def _on_assigned(self, _: Any, assigned: Collection[Any], **__: Any) -> None:
        places = [(place.topic, place.partition) for place in assigned]
        owned = {partition for topic, partition in places if topic in self._parts.work_topics}

        def opened() -> None:
            consumer: Any = self._app.consumer
            self._parts.gaps.assign(consumer.committed_of)
            self._parts.assignment.assign(places, self._app.consumer_generation_id)
            self._topology.assigned()
            self._ready = True
            log.info("assigned %d partitions", len(places))

        await self._journalled.take(owned, opened)

    async def _sweep(self, kafka: KafkaPorts) -> None:
        """Record interrupted calls whose hop no worker opens again."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for partition, calls in self._parts.journals.orphans().items():
                await book_interrupted(partition, calls, kafka)

    async def _loaded(self) -> None:
        """Wait for the registry, or for the stop."""
        await self._or_stopped(self._parts.registry.loaded())

    async def _announced(self) -> None:
        """Publish the worker's name before it joins the group: a namesake then ends before it is
        fenced.
        """
        await self._or_stopped(self._parts.services.announced.wait())

    async def _or_stopped(self, awaited: Coroutine[Any, Any, Any]) -> None:
        tasks = {asyncio.create_task(awaited), asyncio.create_task(self.stopping.wait())}
        _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()

    def _background(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        stack.push_async_callback(cancelled, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            log.error("stopping: %s: %s", type(error).__name__, error, exc_info=error)
            self._failure = error
        self.stopping.set()


async def _crashed(app: faust.App) -> BaseException:
    """Wait for a crash of Faust and return its reason; Faust has no event for it."""
    while not app.crashed:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    reason: BaseException = app.crash_reason or RuntimeError("Faust crashed without an exception")
    return reason
