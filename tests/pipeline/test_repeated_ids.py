"""A repeated request id over a real broker: the first reply again, one call, booked once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.topics import REPLIES, REQUESTS
from streams.journal.sent_replies import KafkaSentReplies, RecordPlace
from tests.rig.stack import Stack

SECONDS = 60.0


async def _replies_to(bootstrap: str, request_id: str, correlations: list[bytes]) -> list[Any]:
    """Send the same request once for each correlation id, each after the reply to the one before;
    the records that answer.
    """
    consumer = AIOKafkaConsumer(
        REPLIES, bootstrap_servers=bootstrap, auto_offset_reset="latest", fetch_max_wait_ms=50
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await consumer.start()
    await producer.start()
    answers = []
    try:
        await consumer.seek_to_end()
        value = orjson.dumps({"request_id": request_id, "prompt": "What is Apache Kafka?"})
        for correlation in correlations:
            headers = [("correlation-id", correlation)]
            await producer.send_and_wait(REQUESTS, value, headers=headers)
            async with asyncio.timeout(SECONDS):
                async for record in consumer:
                    if dict(record.headers).get("correlation-id") == correlation:
                        answers.append(record)
                        break
    finally:
        await producer.stop()
        await consumer.stop()
    return answers


def test_each_sender_of_an_id_gets_the_first_reply_and_one_call_is_paid(pipeline: Stack) -> None:
    request_id = f"again-{uuid4().hex}"
    answers = asyncio.run(_replies_to(pipeline.bootstrap, request_id, [b"one", b"two", b"three"]))
    first, *again = [orjson.loads(record.value) for record in answers]
    assert first["status"] == "replied"
    assert first["tenant"] == "default"
    assert again == [first, first]


def test_only_replies_at_valid_positions_are_read(pipeline: Stack) -> None:
    async def case() -> list[bytes | None]:
        (record,) = await _replies_to(pipeline.bootstrap, f"place-{uuid4().hex}", [b"here"])
        replies = KafkaSentReplies({"bootstrap.servers": pipeline.bootstrap})
        place = RecordPlace(topic=record.topic, partition=record.partition, offset=record.offset)
        beyond = RecordPlace(topic=record.topic, partition=record.partition, offset=1 << 39)
        try:
            found = [await replies.read(each) for each in (place, beyond, place)]
            assert found[0] == record.value
            return found
        finally:
            await replies.close()

    first, beyond, again = asyncio.run(case())
    assert beyond is None
    assert first == again
