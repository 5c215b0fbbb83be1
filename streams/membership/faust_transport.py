"""Faust's Kafka transport, with what its settings do not cover.

Fetch wait: Faust fixes it at 1.5 s, and aiokafka has one fetch in progress for each broker. A fetch
sent without the partitions that still had unread records delays their next records until it
returns: 680 ms at the median in a closed loop (measured), 2 ms with a short wait. Leaving: aiokafka
sends no LeaveGroup for a static member, whose partitions would be idle for the session timeout.
Event loop: mode uses asyncio's own loop for the consumer's thread, whatever the process runs on.

Only committed transactions are read: a request of an aborted one was never sent. Such requests, and
transaction markers, leave gaps between offsets. Faust commits no offset after a gap in cases that
it does not foresee, and lists every missing offset in the others. The dispatcher acknowledges in
order, so the newest acknowledged offset is the one to commit.

No fetched record is lost between aiokafka and the dispatcher (`Consumer.getmany`). Before each
rebalance every member refreshes the topics, because any of them may be the leader.

Offsets are committed with marks (`streams.membership.group_marks`): the reader of a partition, and
earlier attempts of its messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import uvloop
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from core.kafka.consumer import fetch_by_librdkafka, read_as_all_consumers_do
from streams.membership.begun_coroutine import begin
from streams.membership.committed_positions import seek_to_committed
from streams.membership.group_marks import GroupMarks
from streams.membership.group_state import GroupStanding, group_standing
from streams.membership.topic_ids import TopicShape, topic_shapes
from streams.offset_metadata.delivery_attempts import DeliveryAttempts, Place

log = logging.getLogger(__name__)

FETCH_MAX_WAIT_MS = 100
"""Ten empty fetches a second when idle. Records end a fetch at once."""

SEEK_AGAIN_S = 0.5
GETMANY_S = 1.0

TOPICS_PATIENCE_S = 5.0
"""Time for which a rebalance waits for refreshed topics."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which the consumer runs."""

    marks: GroupMarks

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        read_as_all_consumers_do(consumer)
        return consumer

    async def on_start(self) -> None:
        """Start the group's client, and fetch by librdkafka."""
        await super().on_start()
        transport: Any = self.transport
        await fetch_by_librdkafka(self._ensure_consumer(), transport.librdkafka)

    def highwater(self, tp: TP) -> int | None:  # type: ignore[override]
        """Return the end offset of a partition by its last fetch."""
        found: int | None = self._ensure_consumer()._fetcher.highwater(TopicPartition(*tp))
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Check that records are processed; Faust reads the end in aiokafka's own state."""
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        state = None if assignment is None else assignment.state_value(TopicPartition(*tp))
        end = self.highwater(tp)
        if end is not None and state is not None:
            state.highwater = end
            super().verify_event_path(now, tp)

    def give_up_name(self) -> None:
        """Become a dynamic member, which leaves its group on stop."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._group_instance_id = None

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Write this worker's marks before anything is read."""
        await self.marks.take_over(self._ensure_consumer(), assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Remove this worker's marks after the last commit."""
        await super().on_partitions_revoked(revoked)
        consumer = self._ensure_consumer()
        if revoked:
            await self.marks.give_up(consumer)
        await _learn_topics(consumer)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """See `committed_positions`."""
        found: Mapping[TP, int] = await self.call_thread(seek_to_committed, self._ensure_consumer())
        return found

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        owned = self.assignment()
        now = asyncio.get_running_loop().time()
        ours: dict[Any, int] = {place: at for place, at in offsets.items() if place in owned}
        self.tp_last_committed_at.update(dict.fromkeys(ours, now))
        try:
            await self.marks.commit(self._ensure_consumer(), ours)
        except CommitFailedError:
            log.info("offsets were not committed: the group has rebalanced")
            return False
        except Exception as error:
            log.exception("offsets could not be committed")
            await self.crash(error)
            return False
        return True

    async def write_marks(self, places: Collection[Place]) -> None:
        """See `MarkLog.write_marks`."""
        await self._on_loop(self.marks.write(self._ensure_consumer(), places))

    async def pass_over(self, place: Place, first: int, end: int) -> None:
        """See `GroupMarks.pass_over`."""
        await self._on_loop(self.marks.pass_over(self._ensure_consumer(), place, first, end))

    async def give_up(self) -> None:
        """See `GroupMarks.give_up`."""
        await self._on_loop(self.marks.give_up(self._ensure_consumer()))

    async def shapes(self, topics: Collection[str]) -> Mapping[str, TopicShape] | None:
        """See `topic_shapes`."""
        found: Mapping[str, TopicShape] | None = await self._on_loop(
            topic_shapes(self._ensure_consumer()._client, topics)
        )
        return found

    async def rejoin(self) -> None:
        """Trigger a rebalance."""
        await self._on_loop(_rejoin(self._ensure_consumer()))

    async def standing(self) -> GroupStanding | None:
        """See `group_standing`."""
        found: GroupStanding | None = await self._on_loop(group_standing(self._ensure_consumer()))
        return found

    async def _on_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the thread's loop from another one, ahead of the thread's queue."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))


async def _rejoin(consumer: Any) -> None:
    consumer._coordinator.request_rejoin()


async def _learn_topics(consumer: Any) -> None:
    """Refresh topics before a rebalance, whichever member leads."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(TOPICS_PATIENCE_S):
            await consumer._client.force_metadata_update()


class Consumer(driver.Consumer):
    """A consumer on this thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(
            self, loop=self.loop, beacon=self.beacon, thread_loop=uvloop.new_event_loop()
        )
        transport: Any = self.transport
        thread.marks = GroupMarks(transport.attempts)
        thread._close_thread_loop_on_stop = True
        return thread

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """Yield messages as they arrive. Every fetched record is delivered, or fetched again.

        Faust discards records of a partition that was paused during the fetch, and those of a batch
        that arrived while its flow was stopped.
        """
        records, _ = await self._wait_next_records(timeout)
        if not records or self.should_stop:
            return
        if not self.flow_active:
            await self._fetch_again()
            return
        generation = self.app.consumer_generation_id
        for place, record in self.scheduler.iterate(records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # The next assignment reads from the committed offsets.
            yield place, self._to_message(place, record)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Pass messages to their streams until the fetcher is stopped.

        Faust starts four tasks for each message, because a message that waits for room must not
        delay a rebalance. Most messages never wait, so tasks are started for the others only.
        """
        while not (self.should_stop or fetcher.should_stop):
            await asyncio.sleep(0)
            try:
                async for place, message in self.getmany(timeout=GETMANY_S):
                    await self._pass_on(place, message)
            except self.consumer_stopped_errors:
                if not self.app.should_stop:
                    raise
                return
            except asyncio.CancelledError:
                if not self.app.should_stop:
                    raise
                return

    async def _pass_on(self, place: TP, message: Any) -> None:
        read = self._read_offset[place]
        if read is not None and message.offset < read:
            return
        if self._commit_every is not None and self._n_acked >= self._commit_every:
            self._n_acked = 0
            await self.commit()
        passing: Any = self.callback(message)
        if (rest := begin(passing)) is not None:
            await self.wait_first(rest, self.suspend_flow.wait())
        self._read_offset[place] = message.offset

    async def _fetch_again(self) -> None:
        generation = self.app.consumer_generation_id
        while not self.should_stop and self.app.consumer_generation_id == generation:
            try:
                await self.perform_seek()
            except KafkaError as error:
                log.warning("cannot read the committed offsets, retrying: %s", error)
                await self.sleep(SEEK_AGAIN_S)
            else:
                return

    def end_of(self, place: tuple[str, int]) -> int | None:
        """Return the end offset of a partition by the last fetch; `None` before one.

        Raises:
            Exception: aiokafka's, for a partition that is not assigned any more.
        """
        end: int | None = self._thread.highwater(TP(*place))
        return end

    def committed_of(self, place: tuple[str, int]) -> int | None:
        """Return the committed offset of a partition; `None` if it is unknown."""
        return self.thread.marks.committed(place)

    def give_up_name(self) -> None:
        """See `ConsumerThread.give_up_name`."""
        thread: Any = self._thread
        thread.give_up_name()

    @property
    def thread(self) -> ConsumerThread:
        """Return the thread in which it runs."""
        thread: Any = self._thread
        return thread  # type: ignore[no-any-return]

    async def write_marks(self, places: Collection[Place]) -> None:
        """See `MarkLog`."""
        await self.thread.write_marks(places)

    def _new_offset(self, tp: Any) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        newest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Gaps need no list with in-order acknowledgement."""


class Transport(driver.Transport):
    """The transport that creates this consumer."""

    Consumer: ClassVar[Any] = Consumer

    def __init__(
        self,
        *arguments: Any,
        attempts: DeliveryAttempts,
        librdkafka: Mapping[str, Any],
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self.attempts = attempts
        self.librdkafka = librdkafka
