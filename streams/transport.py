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
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import uvloop
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from schemas.kafka_consumer import read_as_all_consumers_do

log = logging.getLogger(__name__)

FETCH_MAX_WAIT_MS = 20
"""Fifty empty fetches a second when idle; at most this much latency when they are in the way."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which the consumer runs."""

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


class Consumer(driver.Consumer):
    """A consumer on our thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(
            self, loop=self.loop, beacon=self.beacon, thread_loop=uvloop.new_event_loop()
        )
        thread._close_thread_loop_on_stop = True
        return thread

    def end_of(self, place: tuple[str, int]) -> int | None:
        """The end of a partition as the last fetch told it; `None` before one.

        Raises:
            Exception: aiokafka's, for a partition that is not ours any more.
        """
        end: int | None = self._thread.highwater(TP(*place))
        return end

    def committed_of(self, place: tuple[str, int]) -> int | None:
        """The offset up to which a partition is committed; `None` where that is not known."""
        done: int | None = self._committed_offset.get(TP(*place))
        return done

    def give_up_name(self) -> None:
        """See `ConsumerThread.give_up_name`."""
        thread: Any = self._thread
        thread.give_up_name()

    async def perform_seek(self) -> None:
        """Begin at the committed offsets, but where the log ends before: there its topic was made
        anew, and everything in it is new.
        """
        await super().perform_seek()
        committed = {place: offset for place, offset in self._committed_offset.items() if offset}
        places = [place for place in committed if place in self.assignment()]
        ends = await self._thread.highwaters(*places) if places else {}
        anew = [place for place in places if committed[place] > ends.get(place, committed[place])]
        for place in anew:
            log.warning("%s:%d was made anew; it is read from its beginning", *place)
            self._committed_offset[place] = None
            self._read_offset[place] = None
        if anew:
            await self._thread.seek_to_beginning(*anew)

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
