"""Reader of the gateway's reply topic: own partitions, and those of idempotent requests.

There is no consumer group. A partition that is read once is read to the end of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.port import StandaloneConsumer
from schemas.callers.reply_json import read_reply
from schemas.errors import SluiceError, UndecodableError
from schemas.identity import DUPLICATE_WINDOW_MS
from schemas.records import Reply
from schemas.topics import GATEWAY_REPLIES
from streams.gateway.dispatch.reply_index import ReplyIndex
from streams.gateway.dispatch.request_ids import RequestIdentity
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.journal.sent_replies import RecordPlace, value_at

_LOOK_S = 5.0
"""Interval in which a reader without records returns."""


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
            found = index.replies.get(identity.correlation)
            if found is None:
                return None
            value = await value_at(
                self._lookups,
                RecordPlace(
                    topic=GATEWAY_REPLIES, partition=identity.partition, offset=found.offset
                ),
            )
        try:
            return read_reply(value)
        except UndecodableError:
            return None

    def accepted_at(self, identity: RequestIdentity, reply: Reply | None) -> int | None:
        """Return when an earlier attempt of a request was accepted as a response that can be read
        later (broker time, ms), as far as `sent_reply` has read it. It is close to it where only
        the reply is in the index.
        """
        index = self._indexes[TopicPartition(GATEWAY_REPLIES, identity.partition)]
        at, sent = index.accepted.get(identity.correlation), index.replies.get(identity.correlation)
        if at is None and sent is not None and reply is not None:
            return sent.at - int(reply.latency_ms)
        return at

    async def read_on(self, partition: int) -> None:
        """Read a partition from its present end on, if it is not read yet. Raises as
        `StandaloneConsumer`.
        """
        async with self._looking:
            await self._begin(TopicPartition(GATEWAY_REPLIES, partition))

    def position(self, partition: int) -> int:
        """Return the offset up to which the records of a partition were taken."""
        return self._consumer.position(TopicPartition(GATEWAY_REPLIES, partition))

    async def _begin(self, place: TopicPartition) -> int:
        """Read a partition on, and return its present end."""
        end = (await self._lookups.ends([place]))[place]
        if place not in self._indexes:
            self._indexes[place] = ReplyIndex(since=self._now())
            positions = {
                each: self._consumer.position(each) for each in self._indexes if each != place
            }
            self._consumer.assign({**positions, place: end})
        return end

    async def _complete(self, place: TopicPartition) -> ReplyIndex:
        """Return the index of a partition, complete for the last 15 minutes."""
        index, begin = self._indexes.get(place), self._now() - DUPLICATE_WINDOW_MS
        if index is not None and index.since <= begin:
            return index
        end = await self._begin(place)
        index = self._indexes[place]
        start = (await self._lookups.offsets_at({place: begin}))[place]
        earlier = ReplyIndex(since=begin)
        if start < end:
            self._lookups.assign({place: start})
            async for records in read_until(self._lookups, {place: end}):
                for record in records:
                    earlier.note(record)
            self._lookups.assign({})
        earlier.continue_with(index)
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
