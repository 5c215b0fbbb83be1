"""One worker process: started in order, drained and left in order.

Start: producers, the broker's time, the registry read to its end, the journal's log, then Faust.
End: nothing more is opened, work in flight ends (at most `drain_s`), offsets are committed, the
group is left.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import faust
from faust.types import TP

from schemas.errors import SluiceError
from schemas.topics import FEEDBACK
from streams.agents.dependencies import Dependencies
from streams.agents.interrupted import book_interrupted, book_open_calls
from streams.app import build_app, feed
from streams.flow.first_stamp import learn_time
from streams.flow.gap_watch import GapWatch
from streams.flow.intake import Intake
from streams.flow.journal import Owner
from streams.flow.membership import Member
from streams.health import serve_health
from streams.observing.consumer_lag import Partition, consumer_lag
from streams.observing.loop_lag import watch_loop
from streams.observing.readings import observe
from streams.observing.worker_readings import readings_of
from streams.settings import WorkerSettings
from streams.topology_watch import TopologyWatch
from streams.wiring import Parts

log = logging.getLogger(__name__)

_SWEEP_S = 2.0
_COMMIT_S = 2.0
_LEAVE_S = 5.0


class Worker:
    """A worker's life."""

    def __init__(self, settings: WorkerSettings, member: Member) -> None:
        self._settings = settings
        self._me = Owner(worker=member.worker, incarnation=uuid.uuid4().hex[:12])
        self._has_fixed_name = member.instance_id is not None
        self._parts = Parts(settings, self._me)
        self._app = build_app(settings, member.instance_id, self._parts.attempts)
        self._intakes: dict[str, Intake] = {}
        self._deps: Dependencies | None = None
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._ready = False
        self._topology: TopologyWatch | None = None

    async def run(self) -> None:
        """Work until `stop` is called or something fails that can't be gone on with.

        Raises:
            BaseException: whatever made it stop, after it left in order.
        """
        parts = self._parts
        async with AsyncExitStack() as stack:
            await serve_health(
                stack,
                self._settings.worker_host,
                self._settings.worker_port,
                self.status,
                parts.metrics.registry,
            )
            await parts.register_schemas(stack)
            await parts.publisher.start()
            stack.push_async_callback(parts.publisher.stop)
            await learn_time(parts.publisher, parts.clock)
            parts.started_at = parts.clock.now()
            await parts.journal_log.start()
            stack.push_async_callback(parts.journal_log.stop)
            self._background(stack, parts.registry.follow(self._settings.kafka))
            await self._loaded()
            deps = self._deps = await parts.dependencies(stack)
            self._intakes = parts.intakes(deps, self._fail)
            feed(self._app, self._intakes, self._fail)
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
            self._background(stack, self._sweep(deps))
            self._background(stack, self._gap_watch().run())
            await self._announced()
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
            "registry": self._parts.registry.version,
            "evaluates_alerts": self._parts.services.evaluates_alerts,
            "request_fault": self._request_fault(),
            "in_flight": sum(intake.in_flight for intake in self._intakes.values()),
            "partitions": {
                topic: list(self._parts.assignment.owned(topic)) for topic in self._intakes
            },
        }

    def _request_fault(self) -> str | None:
        """Why this worker does not take the requests that it should, as far as that is known."""
        if self._ready and not self._parts.assignment.is_settled:
            return "its group is giving out partitions anew"
        return None if self._topology is None else self._topology.fault

    def _topology_watch(self) -> TopologyWatch:
        def group() -> Any:
            consumer: Any = self._app.consumer
            return consumer.thread

        assignment = self._parts.assignment
        return TopologyWatch(
            group,
            topics=tuple(self._intakes),
            request_topics=tuple(self._settings.bound_tenants),
            topic_id=self._parts.attempts.topic_id,
            topic_partitions=self._parts.attempts.topic_partitions,
            owned=assignment.owned,
        )

    def _gap_watch(self) -> GapWatch:
        topics = (*self._settings.bound_tenants, FEEDBACK)
        assignment = self._parts.assignment

        def owned() -> list[Partition]:
            return [(topic, number) for topic in topics for number in assignment.owned(topic)]

        async def beginnings(places: Collection[Partition]) -> Mapping[Partition, int]:
            consumer: Any = self._app.consumer
            found = await consumer.earliest_offsets(*(TP(*place) for place in places))
            return {(place.topic, place.partition): offset for place, offset in found.items()}

        return GapWatch(
            self._parts.gaps,
            self._parts.alerts,
            owned=owned,
            beginnings=beginnings,
            counted=self._parts.metrics.removed_unread,
        )

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
        self._topology = self._topology_watch()
        looks = asyncio.create_task(self._topology.run())
        looks.add_done_callback(self._ended)
        crash = asyncio.create_task(_crashed(app))
        ordered = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({crash, ordered}, return_when=asyncio.FIRST_COMPLETED)
        if crash.done():
            self._fail(crash.result())
        for task in (crash, ordered, looks):
            task.cancel()
        await self._leave(app)

    async def _leave(self, app: faust.App) -> None:
        self._parts.assignment.close()
        if self._parts.keeps_name:
            await self._drain(app)
        else:
            # Our hops, offsets and membership are the namesake's.
            await self._book_open_calls()
            for intake in self._intakes.values():
                intake.abandon()
        try:
            await asyncio.wait_for(app.stop(), _LEAVE_S)
        except TimeoutError:
            log.warning("the consumer did not leave in time")

    async def _drain(self, app: faust.App) -> None:
        """End what is in flight, commit, and be a member that leaves its group when it stops."""
        drained = asyncio.gather(*(intake.drained() for intake in self._intakes.values()))
        try:
            await asyncio.wait_for(drained, self._settings.drain_s)
        except TimeoutError:
            log.warning("work in flight did not end in time; its journal says who takes it over")
            await self._book_open_calls()
        try:
            await asyncio.wait_for(_committed(app), _COMMIT_S)
        except Exception as error:  # noqa: BLE001 - uncommitted offsets are only read again
            log.warning("the last offsets could not be committed: %s", error)
        consumer: Any = app.consumer
        try:
            await asyncio.wait_for(consumer.thread.give_up(), _COMMIT_S)
        except Exception as error:  # noqa: BLE001 - whoever follows takes this for a crash
            log.warning("the partitions could not be given up in order: %s", error)
        consumer.give_up_name()

    async def _book_open_calls(self) -> None:
        """Say what is left behind, so that it does not count as work that ended a worker."""
        if self._deps is None:
            return
        try:
            async with asyncio.timeout(_COMMIT_S):
                await book_open_calls(self._deps)
        except (TimeoutError, SluiceError) as error:
            log.warning("calls in flight could not be booked: %s", error)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._parts.assignment.revoke()

    async def _on_assigned(self, _: Any, assigned: Collection[Any], **__: Any) -> None:
        places = [(place.topic, place.partition) for place in assigned]
        owned = {partition for topic, partition in places if topic in self._parts.work_topics}
        await self._parts.journals.assign(owned)
        consumer: Any = self._app.consumer
        self._parts.gaps.assign(consumer.committed_of)
        self._parts.assignment.assign(places)
        self._ready = True
        log.info("assigned %d partitions", len(places))

    async def _sweep(self, deps: Dependencies) -> None:
        """Book calls that were cut off and whose hop nobody opens again."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for partition, calls in self._parts.journals.orphans().items():
                await book_interrupted(partition, calls, deps)

    async def _loaded(self) -> None:
        """Wait for the registry, or for the order to stop."""
        await self._or_stopped(self._parts.registry.loaded())

    async def _announced(self) -> None:
        """Have said our name before we join the group: a namesake ends before it is fenced."""
        await self._or_stopped(self._parts.services.announced.wait())

    async def _or_stopped(self, awaited: Coroutine[Any, Any, Any]) -> None:
        tasks = {asyncio.create_task(awaited), asyncio.create_task(self._stopping.wait())}
        _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()

    def _background(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        stack.push_async_callback(_cancelled, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            log.error("stopping: %s: %s", type(error).__name__, error, exc_info=error)
            self._failure = error
        self._stopping.set()


async def _committed(app: faust.App) -> None:
    """Commit what is released. Faust leaves a commit out while one is under way, and that one may
    have begun before the last offsets were released.
    """
    if not await app.consumer.commit():
        await app.consumer.commit()


async def _crashed(app: faust.App) -> BaseException:
    """The reason why Faust crashed, once it has; it has no event to wait for."""
    while not app.crashed:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    reason: BaseException = app.crash_reason or RuntimeError("Faust crashed without a reason")
    return reason


async def _cancelled(task: asyncio.Task[None]) -> None:
    """End a background task; what it failed with was told when it failed."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
