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
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from aiokafka import TopicPartition
from confluent_kafka import Consumer, KafkaError, KafkaException

from core.kafka.assigned_partitions import AssignedPartitions
from core.kafka.fetch_source import Batch
from schemas.errors import ConfigurationError, SluiceError

log = logging.getLogger(__name__)

POLL_S = 0.1
"""Longest time until an order is seen while partitions are assigned. An idle poll costs nothing
measurable.
"""

MOST_RECORDS = 256
"""Maximum number of records of a batch."""

MOST_BATCHES = 4
"""Arrived batches that are not taken; with more, the thread fetches nothing."""

CALLBACKS_S = 1.0
"""Interval of librdkafka's callbacks (tokens, errors) without an assignment."""

CLOSE_S = 5.0

NO_GROUP = "sluice-reader"
"""librdkafka requires the name of a group; without a subscription it does not join it."""

TUNING: Mapping[str, Any] = {
    "queued.max.messages.kbytes": 16 * 1024,
    # Time until a partition whose queue was full is fetched again.
    "fetch.queue.backoff.ms": 20,
    "socket.nagle.disable": True,
    "check.crcs": False,
}
"""Settings of all fetching consumers."""

_REJECTED = frozenset(
    (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED)
)

_TLS = "SSL routines"
"""Part of OpenSSL's errors, which librdkafka also reports as lost connections."""

_Answer = TypeVar("_Answer")


def _nothing() -> None:
    """Ignore a fault: the next read raises it."""


class FetchThread:
    """`FetchSource` on a broker.

    `arrived` is called on the running loop with the generation and the batch, `faulted` when
    `rejection` or `failure` may have changed. Without `needs_headers`, a record whose headers are
    unreadable arrives without any.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        arrived: Callable[[int, Batch], None],
        *,
        faulted: Callable[[], None] = _nothing,
        needs_headers: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = arrived
        self._faulted = faulted
        self._settings = {
            "auto.offset.reset": "error",
            **TUNING,
            **settings,
            "isolation.level": "read_committed",
            # Without a subscription, librdkafka joins no group and commits nothing.
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "error_cb": self._note,
            "logger": log,
        }
        self._consumer: Consumer
        self._partitions = AssignedPartitions(needs_headers=needs_headers)
        self._orders: deque[Callable[[], None]] = deque()
        self._pending: set[asyncio.Future[Any]] = set()
        self._ordered = threading.Event()
        self._room = threading.BoundedSemaphore(MOST_BATCHES)
        self._closing = False
        self._failure: Exception | None = None
        self._rejection: str | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-fetch", daemon=True)
        self._thread.start()

    def assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._partitions.assign(self._consumer, generation, offsets))

    def pause(self, places: Collection[TopicPartition]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._partitions.pause(self._consumer, places))

    def resume(self, places: Collection[TopicPartition]) -> None:
        """See `FetchSource`."""
        self._order(lambda: self._partitions.resume(self._consumer, places))

    def taken(self) -> None:
        """See `FetchSource`."""
        self._room.release()
        self._ordered.set()

    def highwater(self, place: TopicPartition) -> int | None:
        """See `FetchSource`."""
        return self._partitions.highwaters.get(place)

    async def call(self, question: Callable[[Consumer], _Answer]) -> _Answer:
        """Call librdkafka on the thread, between two polls; nothing is fetched meanwhile.

        Raises:
            KafkaException: what the call raised.
            Exception: `failure`, if the thread ended.
        """
        future: asyncio.Future[_Answer] = self._loop.create_future()

        def run_query() -> None:
            try:
                answer = question(self._consumer)
            except Exception as error:  # noqa: BLE001 - the caller receives it
                self._serve_callbacks()
                self._on_loop(_fail, future, error)
            else:
                self._on_loop(_resolve, future, answer)

        if self._ended.is_set():
            raise self._end_cause()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        self._order(run_query)
        return await future

    @property
    def failure(self) -> Exception | None:
        """See `FetchSource`."""
        return self._failure

    @property
    def rejection(self) -> str | None:
        """Return why the brokers reject the connection, if the latest attempt was rejected."""
        return self._rejection

    def accepted(self) -> None:
        """Note that a broker answered since the last rejection."""
        self._rejection = None

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
        consumer = None
        try:
            if (new_token := self._settings.get("oauth_cb")) is not None:
                # The constructor waits for a token; its own error does not name the cause.
                new_token("")
            self._consumer = consumer = _opened(self._settings)
            while not self._closing:
                self._step()
        except SluiceError as error:
            self._failure = error
        except Exception as error:
            log.exception("the fetch thread failed")
            self._failure = error
        finally:
            if consumer is not None:
                consumer.close()
            self._on_loop(self._end)

    def _step(self) -> None:
        """Follow orders, then fetch once, or wait for an order."""
        self._follow_orders()
        if not self._partitions.assigned:
            self._ordered.wait(CALLBACKS_S)
            self._serve_callbacks()
        elif self._room.acquire(blocking=False):
            if not self._fetch():
                self._room.release()
            self._partitions.measure(self._consumer)
        else:
            self._ordered.wait()

    def _serve_callbacks(self) -> None:
        """Have librdkafka ask for a token, and note errors; with an assignment, each fetch does."""
        if not self._partitions.assigned:
            self._consumer.poll(0)

    def _end(self) -> None:
        self._ended.set()
        for future in self._pending:
            _fail(future, self._end_cause())
        self._faulted()

    def _end_cause(self) -> Exception:
        return self._failure or KafkaException(KafkaError(KafkaError._DESTROY))

    def _follow_orders(self) -> None:
        self._ordered.clear()
        while self._orders:
            order = self._orders.popleft()
            try:
                order()
            except KafkaException as error:
                log.warning("an assignment was refused: %s", error)

    def _fetch(self) -> bool:
        """Fetch a batch; return whether one was handed over."""
        first = self._consumer.poll(POLL_S)
        if first is None:
            return False
        # An order comes first: an assignment outdates everything that is fetched before it.
        more = [] if self._orders else self._consumer.consume(MOST_RECORDS - 1, 0)
        batch = self._partitions.batch_of([first, *more])
        if batch:
            self._on_loop(self._arrived, self._partitions.generation, batch)
        return bool(batch)

    def _on_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop is closed, so no record is received any more.
            self._closing = True

    def _note(self, error: KafkaError) -> None:
        """Note an error of the client itself; librdkafka retries."""
        log.debug("librdkafka: %s", error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            return  # It follows each cause.
        is_rejection = error.code() in _REJECTED or _TLS in error.str()
        self._rejection = error.str() if is_rejection else None
        if self._rejection is not None:
            self._on_loop(self._faulted)


def _opened(settings: dict[str, Any]) -> Consumer:
    try:
        return Consumer(settings)
    except KafkaException as error:
        raise ConfigurationError(
            f"librdkafka rejects the Kafka settings: {error.args[0].str()}"
        ) from error


def _resolve(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
