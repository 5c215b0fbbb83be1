"""A sent reply is read at its position, or not at all."""

from __future__ import annotations

import asyncio

from aiokafka import TopicPartition

from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from streams.journal.sent_replies import RecordPlace, value_at

PLACE = TopicPartition("replies", 0)


def test_the_value_at_a_position_that_the_log_has() -> None:
    topics = InMemoryTopics()
    topics.create("replies")
    for number in range(4):
        topics.append(PLACE, b"%d" % number)
    topics.append_marker(PLACE)
    topics.append(PLACE, None)
    topics.delete_before(PLACE, 2)
    consumer = InMemoryConsumer(topics)

    async def at(offset: int) -> bytes | None:
        return await value_at(consumer, RecordPlace(topic="replies", partition=0, offset=offset))

    async def all_of() -> list[bytes | None]:
        return [await at(offset) for offset in (1, 2, 3, 4, 5, 6, 1 << 40, 2)]

    assert asyncio.run(all_of()) == [None, b"2", b"3", None, None, None, None, b"2"]
