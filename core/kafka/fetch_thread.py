"""Thread that fetches records with librdkafka and passes them to an event loop.

aiokafka encodes and decodes its fetch protocol in Python, for every partition and fetch: 1.48 ms
CPU a record at 200 records/s, against 0.29 ms with librdkafka polled from a thread (design,
section 9). The thread knows no group. It reads the partitions that `assign` names, from the offsets
that it names, and `highwater` has their ends.

All calls to librdkafka are made on this thread: confluent-kafka serializes the calls of one
consumer, and a call from another thread waited for seconds while this one polled (measured).
librdkafka reads at most 100,000 headers of a record; one with more has none here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from operator import methodcaller
from typing import Any

from aiokafka import TopicPartition
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from core.kafka.fetch_source import Batch, FetchedRecord, PartitionBatch

log = logging.getLogger(__name__)

POLL_S = 0.1
"""Longest time until a new assignment is seen. An idle poll costs nothing measurable."""

MOST_RECORDS = 256
"""Maximum number of records of a batch."""

MEASURE_S = 1.0
"""Interval of the measurement of end offsets."""

MOST_BATCHES = 4
"""Batches on their way to the loop; with more, the thread waits."""

CLOSE_S = 5.0

_ROOM_S = 0.1
_LASTING = frozenset(
    (
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    )
)
"""Errors after which a partition must be assigned again; librdkafka recovers from the others."""

_headers = methodcaller("headers")
"""Calls `Message.headers` with the interpreter's check of the result: confluent-kafka returns a
list with a null pointer, and an exception, for a name that is not UTF-8.
"""


class FetchThread:
    """`FetchSource` on a broker. `arrived` is called on the running loop with the generation and
    the batch.
    """

    def __init__(self, settings: Mapping[str, Any], arrived: Callable[[int, Batch], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = arrived
        self._consumer = Consumer(
            {
                **settings,
                "isolation.level": "read_committed",
                # Without a subscription, librdkafka joins no group and commits nothing.
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "error_cb": _note,
            },
            logger=log,
        )
        self._generation = 0
        self._paused: set[TopicPartition] = set()
        self._stopped: set[TopicPartition] = set()
        self._places: dict[tuple[str, int], TopicPartition] = {}
        self._highwaters: Mapping[TopicPartition, int] = {}
        self._measured_at = 0.0
        self._orders: deque[Callable[[], None]] = deque()
        self._ordered = threading.Event()
        self._room = threading.BoundedSemaphore(MOST_BATCHES)
        self._closing = False
        self._failure: Exception | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-fetch", daemon=True)
        self._thread.start()

    def assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._assign(generation, offsets))

    def pause(self, places: Collection[TopicPartition]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._pause(places))

    def resume(self, places: Collection[TopicPartition]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._resume(places))

    def highwater(self, place: TopicPartition) -> int | None:
        """See `FetchSource`."""
        return self._highwaters.get(place)

    @property
    def failure(self) -> Exception | None:
        """See `FetchSource`."""
        return self._failure

    async def close(self) -> None:
        """See `FetchSource`."""
        self._closing = True
        self._ordered.set()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._ended.wait()
        except TimeoutError:
            log.warning("the fetch thread did not end within %g s", CLOSE_S)

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._ordered.set()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._follow_orders()
                if self._places:
                    self._fetch()
                    self._measure()
                else:
                    self._ordered.wait()
        except Exception as error:
            log.exception("the fetch thread failed")
            self._failure = error
        finally:
            self._consumer.close()
            self._on_loop(self._ended.set)

    def _follow_orders(self) -> None:
        self._ordered.clear()
        while self._orders:
            order = self._orders.popleft()
            try:
                order()
            except KafkaException as error:
                log.warning("an assignment was refused: %s", error)

    def _fetch(self) -> None:
        first = self._consumer.poll(POLL_S)
        if first is None:
            return
        # An order comes first: an assignment outdates everything that is fetched before it.
        more = [] if self._orders else self._consumer.consume(MOST_RECORDS - 1, 0)
        self._deliver([first, *more])

    def _measure(self) -> None:
        """Note the ends of all partitions, now and then."""
        now = time.monotonic()
        if now - self._measured_at < MEASURE_S:
            return
        self._measured_at = now
        found = {}
        for place in self._places.values():
            low_high = self._consumer.get_watermark_offsets(Position(*place), cached=True)
            if low_high is not None and low_high[1] >= 0:
                found[place] = low_high[1]
        self._highwaters = found

    def _deliver(self, messages: Collection[Any]) -> None:
        batch: dict[TopicPartition, PartitionBatch] = {}
        for message in messages:
            place = self._places.get((message.topic(), message.partition()))
            if place is None or place in self._stopped:
                continue
            found = batch.get(place)
            if found is None:
                found = batch[place] = PartitionBatch()
            if not _add(message, place, found):
                self._stopped.add(place)
        if not batch:
            return
        while not self._room.acquire(timeout=_ROOM_S):
            if self._closing:
                return
        self._on_loop(self._hand_over, self._generation, batch)

    def _hand_over(self, generation: int, batch: Batch) -> None:
        self._room.release()
        self._arrived(generation, batch)

    def _on_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop is closed: nobody receives records any more.
            self._closing = True

    def _assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        self._consumer.assign(
            [Position(place.topic, place.partition, offset) for place, offset in offsets.items()]
        )
        self._generation = generation
        self._places = {(place.topic, place.partition): place for place in offsets}
        self._stopped = set()
        self._measured_at = 0.0
        # librdkafka keeps a pause over assignments.
        if again := self._paused & offsets.keys():
            self._consumer.resume([Position(*place) for place in again])
        self._paused = set()

    def _pause(self, places: Collection[TopicPartition]) -> None:
        known = [place for place in places if tuple(place) in self._places]
        if known:
            self._consumer.pause([Position(*place) for place in known])
            self._paused.update(known)

    def _resume(self, places: Collection[TopicPartition]) -> None:
        known = [place for place in places if place in self._paused]
        if known:
            self._consumer.resume([Position(*place) for place in known])
            self._paused.difference_update(known)


def _add(message: Any, place: TopicPartition, to: PartitionBatch) -> bool:
    """Add a message; return whether its partition can be read on."""
    error = message.error()
    offset = message.offset()
    if error is not None:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            to.next_offset = max(to.next_offset, offset)
            return True
        if code not in _LASTING:
            log.warning("%s:%d: %s", place.topic, place.partition, error.str())
            return True
        to.error = error
        return False
    try:
        headers = _headers(message)
    except (SystemError, UnicodeDecodeError):
        to.unreadable = offset
        return False
    kind, timestamp = message.timestamp()
    to.records.append(
        FetchedRecord(
            place.topic,
            place.partition,
            offset,
            timestamp,
            kind - 1,
            message.key(),
            message.value(),
            tuple(headers) if headers else (),
        )
    )
    to.next_offset = offset + 1
    return True


def _note(error: KafkaError) -> None:
    """Log an error of the client itself. The group's client reports the causes."""
    log.debug("librdkafka: %s", error)
