"""Reading up to end offsets."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.port import StandaloneConsumer
from schemas.errors import KafkaAwayError

PATIENCE_S = 30.0
_LOOK_S = 1.0


async def read_until(
    consumer: StandaloneConsumer, ends: Mapping[TopicPartition, int]
) -> AsyncGenerator[Sequence[FetchedRecord], None]:
    """Yield records of the assigned partitions until their positions reach these ends. Records
    after an end may be among them.

    Raises:
        KafkaAwayError: no position moved for `PATIENCE_S`. The others as `StandaloneConsumer`.
    """
    unread = _unread(consumer, ends)
    moved_at = time.monotonic()
    while unread:
        if records := await consumer.read(timeout_s=_LOOK_S):
            yield records
        before, unread = unread, _unread(consumer, ends)
        if records or unread != before:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE_S:
            topics = ", ".join(sorted({place.topic for place in unread}))
            raise KafkaAwayError(
                f"reading of {topics}: Kafka did not answer within {PATIENCE_S:.0f} s; check that "
                "the brokers run, then retry"
            )


async def read_from_begin(
    consumer: StandaloneConsumer, places: Collection[TopicPartition]
) -> AsyncGenerator[Sequence[FetchedRecord], None]:
    """Assign these partitions, and yield their records from the first offset to the present end.
    Raises as `read_until`.
    """
    ends = await consumer.ends(places)
    consumer.assign(await consumer.begins(places))
    async for records in read_until(consumer, ends):
        yield records


def _unread(
    consumer: StandaloneConsumer, ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return the positions of partitions before their ends."""
    positions = {place: consumer.position(place) for place in ends}
    return {place: at for place, at in positions.items() if at < ends[place]}
