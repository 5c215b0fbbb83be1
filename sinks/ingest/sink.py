"""The sink: reads the event topics and keeps one writer for each partition that it is assigned.

Rows are exact because of claims and stored offsets alone (`store`); Kafka's group only spreads the
partitions, and its committed offsets serve monitoring. So every assignment starts anew: claim, ask,
seek, read. What a writer of an earlier assignment held is dropped and read again.
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
    """One sink process's work on a started consumer; it listens to the consumer's rebalances."""

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
        """Forget every partition; what is assigned next starts anew."""
        await self._forget()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take the partitions over, beside the group's own work."""
        await self._forget()
        self._status.partitions = len(assigned)
        if not assigned:
            self._status.running()
            return
        self._begin([Place(*place) for place in assigned])

    async def run(self, stop: asyncio.Event) -> None:
        """Read and store until told to stop; then store what is held, and commit.

        Raises:
            LogRecreatedError: a topic was deleted and made again.
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
            # With the broker away a commit looks for it for ever.
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_COMMIT_S):
                    await self._commit()
        if self._fatal is not None:
            raise self._fatal

    def lag(self) -> dict[Place, int]:
        """Records of each partition that are on the log and not stored yet."""
        ends = {place: self._consumer.highwater(TopicPartition(*place)) for place in self._writers}
        return {
            place: max((end or 0) - self._writers[place].stored_to, 0)
            for place, end in ends.items()
        }

    def held_bytes(self) -> int:
        """Bytes of rows that are read and not stored yet."""
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
            log.warning("reading from Kafka failed, it is retried: %s", error)
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
        """A task that fails ends the sink: a log made again, or what nobody foresaw."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal = error

    async def _serve(self, place: Place, writer: PartitionWriter) -> None:
        try:
            await writer.run()
        except BatchUnverifiedError as error:
            log.warning("%s:%d: %s; they are read again with care", *place, error)
            self._begin([place], careful_until=error.last)
        except LeaseInvalidatedError as error:
            log.warning("%s:%d is taken over again: %s", *place, error)
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
        await self._commits.tell(
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
