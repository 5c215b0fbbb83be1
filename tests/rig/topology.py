"""Request topics that change under running workers: wider, or deleted and made anew."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import suppress

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topics import REPLIES, declared_topics
from tests.rig.stack import Stack
from tests.rig.topic_reader import TopicReader, topic_reader

WIDE, NARROW = "llm.requests.wide.v1", "llm.requests.narrow.v1"
"""Request topics of tests; the narrow one has one partition, which only one worker can have."""

TAKEN_UP_S = 60.0
_CONFIG = {"message.timestamp.type": "LogAppendTime"}


class Topology:
    """The topics of a broker, and requests to each partition of one."""

    def __init__(self, stack: Stack, reader: TopicReader, run: str) -> None:
        self._stack = stack
        self._admin = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})
        self._reader = reader
        self._run = run
        self._sent = 0

    async def widen(self, partitions: int) -> None:
        """Add partitions."""
        asked = self._admin.create_partitions([NewPartitions(WIDE, partitions)])
        await asyncio.to_thread(asked[WIDE].result, 30)

    async def delete(self) -> None:
        asked = self._admin.delete_topics([WIDE])
        await asyncio.to_thread(asked[WIDE].result, 30)

    async def make(self, partitions: int) -> None:
        """Make the topic, once the broker is through with the one before it."""
        async with asyncio.timeout(30):
            while True:
                asked = self._admin.create_topics(
                    [NewTopic(WIDE, partitions, replication_factor=1, config=_CONFIG)]
                )
                try:
                    await asyncio.to_thread(asked[WIDE].result, 30)
                except KafkaException:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def send(self, partition: int, number: int) -> set[str]:
        """So many requests to one partition; their ids."""
        sent = set()
        async with AIOKafkaProducer(bootstrap_servers=self._stack.bootstrap) as producer:
            for _ in range(number):
                self._sent += 1
                name = f"{self._run}-{self._sent}"
                value = orjson.dumps({"prompt": "hi", "request_id": name, "tier": "simple"})
                await _send(producer, value, partition)
                sent.add(name)
        return sent

    async def answered(self, sent: set[str]) -> float:
        """Wait for a reply to each; how long that took, s."""
        begun = time.monotonic()

        def all_there() -> bool:
            ended = {}
            for record in self._reader.of(REPLIES):
                reply = orjson.loads(record.value)
                ended[reply["request_id"]] = reply["status"]
            return all(ended.get(name) == "replied" for name in sent)

        await self._reader.until(all_there, TAKEN_UP_S)
        return time.monotonic() - begun


async def _send(producer: AIOKafkaProducer, value: bytes, partition: int) -> None:
    """Send to a partition that may be so new that the producer does not know it."""
    async with asyncio.timeout(30):
        while True:
            with suppress(AssertionError, KafkaError):
                await producer.send_and_wait(WIDE, value, partition=partition)
                return
            await producer.client.force_metadata_update()
            await asyncio.sleep(0.05)


def make_request_topics(bootstrap: str) -> None:
    """The two request topics, beside those of every pipeline."""
    admin = TopicsAdmin(bootstrap)
    admin.create(declared_topics(request_topics=(WIDE,)), Partitions())
    admin.create(declared_topics(request_topics=(NARROW,)), Partitions(requests=1))


async def becomes(seen: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(TAKEN_UP_S):
        while not await asyncio.to_thread(seen):  # noqa: ASYNC110 - a page has no event
            await asyncio.sleep(0.1)


def readiness(url: str) -> tuple[int, str]:
    """What a worker's /ready answers."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


async def changed(stack: Stack, run: str, anew: Iterable[int]) -> dict[str, float]:
    """Widen the topic from 4 to 6 partitions, then delete it and make it anew with each of these
    numbers of partitions; how long it took until what was sent afterwards was answered, s.
    """
    took = {}
    async with topic_reader(stack.bootstrap, [REPLIES]) as reader:
        topics = Topology(stack, reader, run)
        await topics.answered(await topics.send(0, 6) | await topics.send(1, 2))
        await topics.widen(6)
        took["4 to 6"] = await topics.answered(await topics.send(4, 1) | await topics.send(5, 1))
        for partitions in anew:
            await topics.delete()
            await topics.make(partitions)
            # Below, at and above the offset that the old topic had.
            sent = [await topics.send(0, 3), await topics.send(1, 12), await topics.send(2, 1)]
            took[f"anew with {partitions}"] = await topics.answered(set().union(*sent))
    return took
