"""Sent replies, read again from their topic.

A duplicate request receives the first reply again. Workers keep no replies: the journal's terminal
record has the position of the reply (header `reply-at`), and it is read from there. A worker needs
read access to reply topics for it. Without access, or after retention has removed the reply, the
sender receives the status of the first request instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition

from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer
from core.kafka.standalone.port import StandaloneConsumer
from schemas.encoding.value_checks import INT64_DIGITS
from schemas.errors import SluiceError
from streams.offset_metadata.partition_mark import MAX_OFFSET

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 5.0
_WAIT_MS = 50
_MAX_PARTITION = 2**31 - 1
"""The maximum of Kafka's protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPlace:
    """Position of a record; as text `topic:partition:offset`."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Return the position as the journal's header holds it."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> RecordPlace | None:
        """Parse `topic:partition:offset`; `None` for anything else."""
        topic, _, rest = text.partition(":")
        partition, _, offset = rest.partition(":")
        numbers = (partition, offset)
        if not topic or any(not n.isdecimal() or len(n) > INT64_DIGITS for n in numbers):
            return None
        place = cls(topic=topic, partition=int(partition), offset=int(offset))
        is_there = place.partition <= _MAX_PARTITION and place.offset <= MAX_OFFSET
        return place if is_there else None


class SentReplies(Protocol):
    """Reads replies again."""

    async def read(self, place: RecordPlace) -> bytes | None:
        """Return the reply's value; `None` if it cannot be read."""
        ...


class KafkaSentReplies:
    """`SentReplies` on a broker: one consumer without a group, connected at the first use. Reads
    are sequential, so many duplicates need one connection.
    """

    def __init__(self, librdkafka: Mapping[str, Any]) -> None:
        self._librdkafka = librdkafka
        self._consumer: LibrdkafkaConsumer | None = None
        self._reading = asyncio.Lock()

    async def read(self, place: RecordPlace) -> bytes | None:
        """See `SentReplies.read`."""
        async with self._reading:
            if self._consumer is None:
                self._consumer = LibrdkafkaConsumer(self._librdkafka, wait_ms=_WAIT_MS)
            try:
                async with asyncio.timeout(READ_TIMEOUT_S):
                    return await value_at(self._consumer, place)
            except (SluiceError, TimeoutError) as error:
                log.warning("cannot read a sent reply again: %s", type(error).__name__)
                await self._disconnect()
                return None

    async def close(self) -> None:
        """Disconnect."""
        async with self._reading:
            await self._disconnect()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.close()


async def value_at(consumer: StandaloneConsumer, place: RecordPlace) -> bytes | None:
    """Return the value of a record; `None` if the log does not have it, as after compaction."""
    partition = TopicPartition(place.topic, place.partition)
    begin = (await consumer.begins([partition]))[partition]
    end = (await consumer.ends([partition]))[partition]
    found: dict[int, bytes | None] = {}
    if begin <= place.offset < end:
        consumer.assign({partition: place.offset})
        async for records in read_until(consumer, {partition: place.offset + 1}):
            found.update({each.offset: each.value for each in records})
        consumer.assign({})
    return found.get(place.offset)
