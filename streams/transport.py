"""Faust's Kafka transport, with the three things that its settings can't say.

The fetch's longest wait: Faust fixes it at 1.5 s, and aiokafka has one fetch under way for each
broker. A fetch that was sent without the partitions that still had unread records then holds up
their next records until it returns: 680 ms at the median in a closed loop (measured), 2 ms with a
short wait. And leaving: aiokafka sends no LeaveGroup for a member with a fixed name, whose
partitions would lie idle for the session timeout. And the loop of the consumer's thread, which mode
makes asyncio's own, whatever the process runs on.
"""

from __future__ import annotations

from typing import Any, ClassVar

import uvloop
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

FETCH_MAX_WAIT_MS = 20
"""Fifty empty fetches a second when idle; at most this much latency when they are in the way."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which the consumer runs."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
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


class Transport(driver.Transport):
    """The transport that makes our consumer."""

    Consumer: ClassVar[Any] = Consumer
