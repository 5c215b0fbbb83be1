"""Requests removed by retention before they are read raise an alert, and reading continues."""

from __future__ import annotations

import asyncio
import uuid

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.encoding.codec import Codec
from schemas.topics import ALERTS, REQUESTS
from tests.rig.hostile.sender import Sender, sender
from tests.rig.kafka.topic_reader import TopicReader, topic_reader
from tests.rig.observed.metrics_page import scrape
from tests.rig.stack import Stack

PLACE = TopicPartition(REQUESTS, 2)
WITHIN_S = 30.0
LATER_MS = 200
"""A fetch that the worker sent before it was paused is over by then."""


def _removed(worker: str) -> float:
    return sum(scrape(worker, "sluice_removed_unread_total").values())


async def _send_until_read(producer: AIOKafkaProducer, caller: Sender, name: str) -> int:
    """Send a request to the partition and wait for its reply; its offset."""
    correlation = uuid.uuid4().hex
    record = await producer.send_and_wait(
        PLACE.topic,
        orjson.dumps({"prompt": "hi", "request_id": name}),
        partition=PLACE.partition,
        headers=[("correlation-id", correlation.encode())],
    )
    assert (await caller.reply_to(correlation))["status"] == "replied"
    return record.offset


async def _lose_three(pipeline: Stack, name: str) -> None:
    """Three requests are removed while the worker is paused."""
    producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap, linger_ms=LATER_MS)
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.bootstrap)
    pipeline.pause("worker-1")
    try:
        async with producer:
            sent = [
                await producer.send(
                    PLACE.topic,
                    orjson.dumps({"prompt": "hi", "request_id": f"{name}-lost-{number}"}),
                    partition=PLACE.partition,
                )
                for number in range(3)
            ]
            last = [await each for each in sent][-1].offset
        await admin.start()
        await admin.delete_records({PLACE: RecordsToDelete(before_offset=last + 1)})
    finally:
        await admin.close()
        pipeline.wake("worker-1")


async def _alerted(reader: TopicReader, subject: str) -> str:
    """The message of the alert about this gap."""
    codec = Codec("Alert")
    messages: list[str] = []

    def seen() -> bool:
        for record in reader.of(ALERTS):
            alert = codec.decode(record.value)
            if (alert["rule"], alert["subject"]) == ("log_gap", subject):
                messages.append(alert["message"])
        return bool(messages)

    await reader.until(seen, WITHIN_S)
    return messages[0]


def test_requests_removed_unread_are_logged_counted_and_alerted_and_the_next_is_answered(
    pipeline: Stack, own_name: str
) -> None:
    worker = pipeline.page_url("worker-1")
    before = _removed(worker)

    async def case() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=pipeline.bootstrap)
        async with (
            producer,
            sender(pipeline.bootstrap) as caller,
            topic_reader(pipeline.bootstrap, [ALERTS]) as reader,
        ):
            read = await _send_until_read(producer, caller, f"{own_name}-read")
            await _lose_three(pipeline, own_name)
            after = await _send_until_read(producer, caller, f"{own_name}-after")
            assert after == read + 4
            offsets = f"{read + 1}-{read + 3}"
            message = await _alerted(reader, f"{PLACE.topic}:{PLACE.partition}:{offsets}")
            assert f"offsets {read + 1} to {read + 3} of {PLACE.topic}, partition 2" in message
            assert message in pipeline.processes["worker-1"].log.read_text()

    asyncio.run(case())
    assert _removed(worker) == before + 3
