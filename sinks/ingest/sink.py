"""The sink: reads the event topics, with one writer for each assigned partition.

Leases and stored offsets alone (`store`) make the rows exact. Kafka's group only distributes the
partitions, and its committed offsets serve monitoring. Every assignment therefore starts over:
lease, query stored offsets, seek, read. Rows buffered by a writer of an earlier assignment are
dropped and read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from itertools import chain

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from core.schema_registry import KnownSchemas
from schemas.errors import FencedError
from sinks.clickhouse.store import Store
from sinks.clock import SinkClock
from sinks.errors import BatchUnverifiedError, LeaseInvalidatedError
from sinks.ingest.backpressure import BackpressureController
from sinks.ingest.consumer import ConsumerBounds
from sinks.ingest.offset_commits import Commits
from sinks.ingest.partition_writer import OnBad, PartitionWriter
from sinks.ingest.schema_ids import learn_ids
from sinks.ingest.takeover import WriteStart, until_taken_over
from sinks.rows.batch import BatchLimits
from sinks.rows.log_position import Place
from sinks.rows.row_reader import reader_of
from sinks.settings import SinkSettings
from sinks.status import SinkStatus

log = logging.getLogger(__name__)

POLL_MS = 200
POLL_RECORDS = 4_000
_NOTHING_YET_S = 0.02
COMMIT_EVERY_S = 1.0
DRAIN_S = 5.0
LAST_COMMIT_S = 2.0


class Sink(ConsumerRebalanceListener):  # type: ignore[misc]
    """The work of one sink process on a started consumer, and its rebalance listener."""

    def __init__(
        self,
        settings: SinkSettings,
        store: Store,
        clock: SinkClock,
        status: SinkStatus,
        consumer: AIOKafkaConsumer,
        *,
        known: KnownSchemas | None = None,
        on_bad: OnBad = lambda bad, record: None,
    ) -> None:
        self._on_bad = on_bad
        self._limits = BatchLimits.of(settings)
        self._store = store
        self._clock = clock
        self._status = status
        self._consumer = consumer
        self._known = known
        self._keys = settings.registry_keys
        self._writers: dict[Place, PartitionWriter] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}
        self._takeovers: set[asyncio.Task[None]] = set()
        self._room = BackpressureController(
            consumer,
            self._writers,
            most_each=settings.sink_batch_bytes,
            most=settings.sink_buffer_bytes,
        )
        self._commits = Commits(consumer)
        self._fatal: BaseException | None = None

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Drop all partitions; the next assignment starts over."""
        await self._forget()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take the partitions over, concurrently with the group's own work."""
        await self._forget()
        self._status.partitions = len(assigned)
        if not assigned:
            self._status.running()
            return
        self._begin([Place(*place) for place in assigned])

    async def run(self, stop: asyncio.Event) -> None:
        """Read and store until `stop` is set; then store the buffered rows, and commit.

        Raises:
            LogRecreatedError: a topic was deleted and recreated.
        """
        committer = asyncio.create_task(self._commit_regularly())
        try:
            while not stop.is_set() and self._fatal is None:
                await self._poll(stop)
        finally:
            self._status.state = "stopping"
            committer.cancel()
            await self._drain()
            await asyncio.gather(committer, return_exceptions=True)
            # Without a broker a commit would retry without end.
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_COMMIT_S):
                    await self._commit()
        if self._fatal is not None:
            raise self._fatal

    def lag(self) -> dict[Place, int]:
        """Return the records of each partition that are on the log and not stored yet."""
        ends = {place: self._consumer.highwater(TopicPartition(*place)) for place in self._writers}
        return {
            place: max((end or 0) - self._writers[place].stored_to, 0)
            for place, end in ends.items()
        }

    def held_bytes(self) -> int:
        """Return the bytes of rows that are read and not stored yet."""
        return self._room.held_bytes

    async def _poll(self, stop: asyncio.Event) -> None:
        try:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        except NoOffsetForPartitionError:
            await asyncio.sleep(_NOTHING_YET_S)
            return
        except OffsetOutOfRangeError as error:
            self._begin([Place(*place) for place in error.args[0]])
            return
        except KafkaError as error:
            self._status.failing(f"Kafka: {error}")
            log.warning("reading from Kafka failed, retrying: %s", error)
            await asyncio.sleep(POLL_MS / 1000)
            return
        writers = dict(self._writers)
        if self._known is not None:
            await learn_ids(chain(*batches.values()), self._known, self._status, stop)
            if stop.is_set():
                return
        for place, records in batches.items():
            writer = self._writers.get(place)
            if writer is None or writer is not writers.get(place):
                continue  # taken over meanwhile: these are read again from its new start
            writer.offer(records)
            self._room.taken(place)

    def _begin(self, places: list[Place], careful_until: int = -1) -> None:
        self._consumer.pause(*(TopicPartition(*place) for place in places))
        for place in places:
            self._writers.pop(place, None)
            self._room.forget(place)
            before = self._tasks.pop(place, None)
            if before is not None and before is not asyncio.current_task():
                before.cancel()
        task = asyncio.create_task(self._take_over(places, careful_until))
        self._takeovers.add(task)
        task.add_done_callback(self._takeovers.discard)
        task.add_done_callback(self._ended)

    async def _take_over(self, places: list[Place], careful_until: int) -> None:
        bounds = ConsumerBounds(self._consumer)
        starts = await until_taken_over(places, self._store, bounds, self._status)
        for place, start in starts.items():
            self._start(place, start, careful_until)
        self._status.running()

    def _start(self, place: Place, start: WriteStart, careful_until: int) -> None:
        partition = TopicPartition(*place)
        self._status.skipped += start.skipped
        writer = PartitionWriter(
            start.claim,
            reader_of(place.topic, self._known, self._keys),
            start.window,
            self._store,
            limits=self._limits,
            clock=self._clock,
            status=self._status,
            stored_to=start.offset,
            careful_until=careful_until,
            on_stored=self._room.freed,
            on_bad=self._on_bad,
        )
        self._consumer.seek(partition, start.offset)
        self._writers[place] = writer
        self._tasks[place] = asyncio.create_task(self._serve(place, writer))
        self._tasks[place].add_done_callback(self._ended)
        self._consumer.resume(partition)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the sink if a task failed: a recreated log, or an unexpected error."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal = error

    async def _serve(self, place: Place, writer: PartitionWriter) -> None:
        try:
            await writer.run()
        except BatchUnverifiedError as error:
            log.warning("%s:%d: %s; reading again with verification", *place, error)
            self._begin([place], careful_until=error.last)
        except LeaseInvalidatedError as error:
            log.warning("%s:%d: leasing again: %s", *place, error)
            self._begin([place])
        except FencedError as error:
            self._status.fenced += 1
            log.warning("%s", error)
            self._writers.pop(place, None)
            self._consumer.pause(TopicPartition(*place))
            await self._commits.until_confirmed(place, writer.stored_to)
            self._begin([place])

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            self._status.lag = sum(self.lag().values())
            await self._commit()

    async def _commit(self) -> None:
        await self._commits.commit(
            {place: writer.stored_to for place, writer in self._writers.items()}
        )

    async def _forget(self) -> None:
        running = [*self._takeovers, *self._tasks.values()]
        self._writers.clear()
        self._room.forget_all()
        self._tasks.clear()
        self._commits.forget()
        await _cancelled(running)

    async def _drain(self) -> None:
        await _cancelled(list(self._takeovers))
        for writer in self._writers.values():
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=DRAIN_S)
        await _cancelled(list(self._tasks.values()))


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    current = asyncio.current_task()
    others = [task for task in tasks if task is not current]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
