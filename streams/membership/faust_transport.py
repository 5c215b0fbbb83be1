"""Faust's Kafka transport, with what its settings can't say.

The fetch's longest wait: Faust fixes it at 1.5 s, and aiokafka has one fetch under way for each
broker. A fetch that was sent without the partitions that still had unread records then holds up
their next records until it returns: 680 ms at the median in a closed loop (measured), 2 ms with a
short wait. And leaving: aiokafka sends no LeaveGroup for a member with a fixed name, whose
partitions would lie idle for the session timeout. And the loop of the consumer's thread, which mode
makes asyncio's own, whatever the process runs on.

Only committed transactions are read: a request of an aborted one was never sent. Such requests, and
the markers of transactions, leave gaps between offsets. Faust commits none of the offsets behind a
gap in the cases that it does not foresee, and lists every missing offset in those that it does. Our
intake acknowledges in order, so the newest acknowledged offset is the one to commit.

No record that was fetched is lost between aiokafka and us (`Consumer.getmany`), and before each
rebalance every member learns the topics anew, since any of them may be the one that gives out.

Offsets are committed with marks (`streams.membership.group_marks`), which say who reads a partition
and which of its messages were tried before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import uvloop
from aiokafka.errors import CommitFailedError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from core.kafka.consumer import read_as_all_consumers_do
from streams.membership.committed_positions import seek_to_committed
from streams.membership.group_marks import GroupMarks
from streams.membership.group_state import GroupStanding, group_standing
from streams.membership.topic_ids import TopicShape, topic_shapes
from streams.offset_metadata.delivery_attempts import DeliveryAttempts, Place

log = logging.getLogger(__name__)

FETCH_MAX_WAIT_MS = 20
"""Fifty empty fetches a second when idle; at most this much latency when they are in the way."""

SEEK_AGAIN_S = 0.5

TOPICS_PATIENCE_S = 5.0
"""How long a rebalance waits for the topics as they are now."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which the consumer runs."""

    marks: GroupMarks

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        read_as_all_consumers_do(consumer)
        return consumer

    def give_up_name(self) -> None:
        """From now on be a member without a fixed name, which leaves its group when it stops."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._group_instance_id = None

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Put our marks before anything is read."""
        await self.marks.take_over(self._ensure_consumer(), assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Take our marks off when the last offsets are committed."""
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
        """Have the group give out its partitions anew."""
        await self._on_loop(_rejoin(self._ensure_consumer()))

    async def standing(self) -> GroupStanding | None:
        """See `group_standing`."""
        found: GroupStanding | None = await self._on_loop(group_standing(self._ensure_consumer()))
        return found

    async def _on_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On the thread's loop, from another one, past what waits in the thread's queue."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))


async def _rejoin(consumer: Any) -> None:
    consumer._coordinator.request_rejoin()


async def _learn_topics(consumer: Any) -> None:
    """Have the partitions given out by what there is now, whichever member gives them out."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(TOPICS_PATIENCE_S):
            await consumer._client.force_metadata_update()


class Consumer(driver.Consumer):
    """A consumer on our thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(
            self, loop=self.loop, beacon=self.beacon, thread_loop=uvloop.new_event_loop()
        )
        transport: Any = self.transport
        thread.marks = GroupMarks(transport.attempts)
        thread._close_thread_loop_on_stop = True
        return thread

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """Messages as they come. Every record that was fetched is handed over, or fetched again.

        Faust discards records of a partition that was paused while they were under way, and those
        of a batch that came while its flow was stopped.
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
                return  # The next assignment reads on at what is committed.
            yield place, self._to_message(place, record)

    async def _fetch_again(self) -> None:
        generation = self.app.consumer_generation_id
        while not self.should_stop and self.app.consumer_generation_id == generation:
            try:
                await self.perform_seek()
            except KafkaError as error:
                log.warning("the committed offsets are not known now: %s", error)
                await self.sleep(SEEK_AGAIN_S)
            else:
                return

    def end_of(self, place: tuple[str, int]) -> int | None:
        """The end of a partition as the last fetch told it; `None` before one.

        Raises:
            Exception: aiokafka's, for a partition that is not ours any more.
        """
        end: int | None = self._thread.highwater(TP(*place))
        return end

    def committed_of(self, place: tuple[str, int]) -> int | None:
        """The offset up to which a partition is committed; `None` where that is not known."""
        return self.thread.marks.committed(place)

    def give_up_name(self) -> None:
        """See `ConsumerThread.give_up_name`."""
        thread: Any = self._thread
        thread.give_up_name()

    @property
    def thread(self) -> ConsumerThread:
        """The thread in which it runs."""
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
        """Gaps need no list where acknowledgements come in order."""


class Transport(driver.Transport):
    """The transport that makes our consumer."""

    Consumer: ClassVar[Any] = Consumer

    def __init__(self, *arguments: Any, attempts: DeliveryAttempts, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.attempts = attempts
