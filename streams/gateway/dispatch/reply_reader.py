"""Reader of the gateway's reply topic: own partitions, and those of idempotent requests.

There is no consumer group. A partition that is read once is read to the end of the process. Its
index holds the offset of each reply of the last 15 minutes, the time for which a request id is
deduplicated, so that a retry finds the reply of its first attempt.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.port import StandaloneConsumer
from schemas.callers.reply_json import read_reply
from schemas.errors import SluiceError, UndecodableError
from schemas.gateway.headers import CALL_ID
from schemas.identity import DUPLICATE_WINDOW_MS
from schemas.records import Reply
from schemas.topics import GATEWAY_REPLIES
from streams.client.answer_parts import correlation_of
from streams.gateway.dispatch.request_ids import RequestIdentity
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.journal.sent_replies import RecordPlace, value_at

MAX_INDEXED = 200_000
"""Replies in the index of one partition; the oldest are forgotten beyond."""

_LOOK_S = 5.0
"""Interval in which a reader without records returns."""


@dataclass(slots=True)
class ReplyIndex:
    """Offsets of the replies of a partition, by correlation id; complete since `since` (ms)."""

    since: int
    offsets: dict[bytes, int] = field(default_factory=dict)
    order: deque[tuple[int, bytes]] = field(default_factory=deque)

    def note(self, record: FetchedRecord) -> None:
        """Note a record; the first reply of a correlation id counts."""
        correlation = correlation_of(record.headers)
        is_part = any(name == CALL_ID for name, _ in record.headers)
        if correlation is None or is_part or correlation in self.offsets:
            return
        self.offsets[correlation] = record.offset
        self.order.append((record.timestamp, correlation))
        oldest = record.timestamp - DUPLICATE_WINDOW_MS
        while self.order and (self.order[0][0] < oldest or len(self.order) > MAX_INDEXED):
            self.offsets.pop(self.order.popleft()[1], None)


class ReplyReader:
    """Reads replies for the waiting requests of this process.

    `consumer` reads on, `lookups` reads back. `now` is broker time, ms.
    """

    def __init__(
        self,
        consumer: StandaloneConsumer,
        lookups: StandaloneConsumer,
        waiting: WaitingRequests,
        now: Callable[[], int],
    ) -> None:
        self._consumer = consumer
        self._lookups = lookups
        self._waiting = waiting
        self._now = now
        self._indexes: dict[TopicPartition, ReplyIndex] = {}
        self._looking = asyncio.Lock()

    async def start(self, own: Collection[int]) -> None:
        """Read these partitions from their ends. Raises as `StandaloneConsumer`."""
        places = [TopicPartition(GATEWAY_REPLIES, number) for number in own]
        now = self._now()
        self._indexes = {place: ReplyIndex(since=now) for place in places}
        self._consumer.assign(await self._consumer.ends(places))

    async def run(self) -> None:
        """Read on, until cancelled; all waiting requests fail if reading fails.

        Raises:
            SluiceError: as `StandaloneConsumer`.
        """
        try:
            while True:
                for record in await self._consumer.read(timeout_s=_LOOK_S):
                    self.take(record)
        except SluiceError as error:
            self._waiting.fail(error)
            raise

    async def sent_reply(self, identity: RequestIdentity) -> Reply | None:
        """Return the reply of an earlier attempt of a request; `None` without one in the last 15
        minutes. From now on its partition is read, so no later reply is missed. Raises as
        `StandaloneConsumer`.
        """
        place = TopicPartition(GATEWAY_REPLIES, identity.partition)
        async with self._looking:
            index = await self._complete(place)
            offset = index.offsets.get(identity.correlation)
            if offset is None:
                return None
            value = await value_at(
                self._lookups,
                RecordPlace(topic=GATEWAY_REPLIES, partition=identity.partition, offset=offset),
            )
        try:
            return read_reply(value)
        except UndecodableError:
            return None

    async def _complete(self, place: TopicPartition) -> ReplyIndex:
        """Return the index of a partition, complete for the last 15 minutes."""
        index, begin = self._indexes.get(place), self._now() - DUPLICATE_WINDOW_MS
        if index is not None and index.since <= begin:
            return index
        end = (await self._lookups.ends([place]))[place]
        if index is None:
            index = self._indexes[place] = ReplyIndex(since=self._now())
            positions = {
                each: self._consumer.position(each) for each in self._indexes if each != place
            }
            self._consumer.assign({**positions, place: end})
        start = (await self._lookups.offsets_at({place: begin}))[place]
        earlier = ReplyIndex(since=begin)
        if start < end:
            self._lookups.assign({place: start})
            async for records in read_until(self._lookups, {place: end}):
                for record in records:
                    earlier.note(record)
            self._lookups.assign({})
        earlier.offsets.update(
            {key: at for key, at in index.offsets.items() if key not in earlier.offsets}
        )
        earlier.order.extend(index.order)
        # The reader noted records in `index` meanwhile; no turn of the loop lies between.
        self._indexes[place] = earlier
        return earlier

    def take(self, record: FetchedRecord) -> None:
        """Hand a record to the request that waits for it, and note it in the index."""
        place = TopicPartition(record.topic, record.partition)
        index = self._indexes.get(place)
        if index is not None:
            index.note(record)
        self._waiting.take(record)
