"""Work topics that are deleted, and recreated with fewer partitions, under a running worker."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

from infra.devstack.registry import local_registry
from schemas.topics import ALERTS, OUTCOMES, REPLIES, REQUESTS, tier_topic
from tests.fixtures.services import some_kafka
from tests.rig.kafka.topic_reader import TopicReader, topic_reader
from tests.rig.kafka.topology import page
from tests.rig.stack import Stack, start_basics

SIMPLE, MODERATE = tier_topic("simple"), tier_topic("moderate")
SOON_S = 60.0
MOST_LINES = 200
"""Of a worker's log over the whole test: a flood has a thousand a second."""


@pytest.fixture
def one() -> Iterator[Stack]:
    """A worker without a sink; every answer of the first tier escalates to the second."""
    with tempfile.TemporaryDirectory(prefix="sluice-missing-") as folder, some_kafka() as kafka:
        stack = Stack(Path(folder), kafka_at=kafka)
        try:
            start_basics(stack, "--latency-ms", "0", clickhouse=False)
            text = local_registry(stack.simulator_url)
            asyncio.run(stack.apply_registry(text.replace("simple: 0.6", "simple: 1.0")))
            stack.start_worker()
            yield stack
        finally:
            stack.stop()


class Case:
    """Requests to a worker whose topics change, and what it answers."""

    def __init__(self, stack: Stack, producer: AIOKafkaProducer, reader: TopicReader) -> None:
        self._stack = stack
        self._admin = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})
        self._producer = producer
        self._reader = reader
        self._sent = 0

    async def send(self, tier: str, count: int = 1) -> set[str]:
        """Send requests that begin on a tier; return their ids."""
        names = {f"r{self._sent + number}" for number in range(count)}
        self._sent += count
        for name in names:
            value = orjson.dumps({"prompt": "hi", "request_id": name, "tier": tier})
            await self._producer.send_and_wait(REQUESTS, value)
        return names

    def replied(self) -> set[str]:
        replies = (orjson.loads(record.value) for record in self._reader.of(REPLIES))
        return {each["request_id"] for each in replies if each["status"] == "replied"}

    async def answered(self, names: Collection[str]) -> None:
        await self._reader.until(lambda: set(names) <= self.replied(), SOON_S)

    async def delete(self, *topics: str) -> None:
        for future in self._admin.delete_topics(list(topics)).values():
            await asyncio.to_thread(future.result, 30)

    async def create(self, topic: str, partitions: int) -> None:
        """Create a topic, once the broker is through with the one before it."""
        config = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "16777216"}
        async with asyncio.timeout(30):
            while True:
                made = NewTopic(topic, partitions, replication_factor=1, config=config)
                try:
                    future = self._admin.create_topics([made])[topic]
                    await asyncio.to_thread(future.result, 30)
                except KafkaException:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def widen(self, topic: str, partitions: int) -> None:
        future = self._admin.create_partitions([NewPartitions(topic, partitions)])[topic]
        await asyncio.to_thread(future.result, 30)

    async def reports(self, fault: str | None) -> None:
        """Wait until the worker gives this as the beginning of the reason why it is not ready."""
        async with asyncio.timeout(SOON_S):
            while True:
                with suppress(OSError):  # It may not listen yet.
                    why = (await asyncio.to_thread(page, self._stack.worker_url())).why
                    if why == fault or (why and fault and why.startswith(fault)):
                        return
                await asyncio.sleep(0.1)


def _run(stack: Stack, case: object) -> None:
    async def scenario() -> None:
        async with (
            AIOKafkaProducer(bootstrap_servers=stack.bootstrap) as producer,
            topic_reader(stack.bootstrap, [REPLIES]) as reader,
        ):
            await case(Case(stack, producer, reader))  # type: ignore[operator]

    asyncio.run(scenario())


def _lines(stack: Stack) -> list[str]:
    return stack.processes["worker-1"].log.read_text().splitlines()


def test_work_waits_for_a_missing_tier_topic_and_goes_on_with_fewer_partitions(one: Stack) -> None:
    worker = one.processes["worker-1"]

    async def case(world: Case) -> None:
        await world.answered(await world.send("simple", 8))
        await world.delete(MODERATE)
        await world.reports(f"the topic {MODERATE} does not exist")
        waiting = await world.send("simple", 12)
        await world.answered(await world.send("complex"))
        await world.create(MODERATE, 2)
        await world.reports(f"the topic {MODERATE} has 2 partitions")
        # Some of the waiting requests are on partitions that the topic no longer has.
        await world.answered(await world.send("complex"))
        await world.widen(MODERATE, 4)
        await world.answered(waiting)
        await world.answered(await world.send("simple", 8))
        await world.reports(None)

    _run(one, case)
    assert worker.alive
    lines = _lines(one)
    assert len(lines) < MOST_LINES, lines[-MOST_LINES:]
    assert sum("does not exist. Records for it wait" in line for line in lines) <= 1
    assert not any("Traceback" in line for line in lines)


def test_a_worker_starts_without_some_topics_and_takes_them_up(one: Stack) -> None:
    one.kill("worker-1")

    async def case(world: Case) -> None:
        await world.delete(MODERATE, OUTCOMES, ALERTS)
        one.start_worker(wait=False)
        await world.reports(OUTCOMES)
        await world.create(OUTCOMES, 4)
        await world.create(ALERTS, 1)
        await world.reports(f"the topic {MODERATE} does not exist")
        await world.answered(await world.send("complex", 4))
        waiting = await world.send("simple", 4)
        await world.create(MODERATE, 4)
        await world.answered(waiting)
        await world.reports(None)

    _run(one, case)
    assert one.processes["worker-1"].alive
    assert len(_lines(one)) < MOST_LINES
