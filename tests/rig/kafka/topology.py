"""A request topic that changes under running workers: extended, or deleted and recreated."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

from schemas.topics import REPLIES, REQUESTS
from tests.rig.kafka.topic_reader import TopicReader, topic_reader
from tests.rig.stack import Stack

TAKEN_UP_S = 15.0
"""How long a change may take until what was sent after it is answered."""

GONE = f"the request topic {REQUESTS} does not exist; create it: sluice topics create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a worker answered once: /health and its status, and why it is not ready."""

    status: int
    health: dict[str, Any]
    why: str | None

    @property
    def is_green_without_requests(self) -> bool:
        """Whether it reports ready without a request partition."""
        return self.status == 200 and not self.health["partitions"].get(REQUESTS)


@dataclass
class Changes:
    """What was seen: how long each change took until requests were answered, s; each page that a
    worker answered meanwhile; the replies to each request.
    """

    took: dict[str, float] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    replies: Counter[str] = field(default_factory=Counter)


class Topology:
    """The request topic of a broker, and requests to each partition of it."""

    def __init__(self, stack: Stack, reader: TopicReader, run: str) -> None:
        self._stack = stack
        self._admin = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})
        self._reader = reader
        self._run = run
        self.sent: list[str] = []

    async def widen(self, partitions: int) -> None:
        """Add partitions."""
        futures = self._admin.create_partitions([NewPartitions(REQUESTS, partitions)])
        await asyncio.to_thread(futures[REQUESTS].result, 30)

    async def delete(self) -> None:
        futures = self._admin.delete_topics([REQUESTS])
        await asyncio.to_thread(futures[REQUESTS].result, 30)

    async def make(self, partitions: int) -> None:
        """Make the topic, once the broker is through with the one before it."""
        made = NewTopic(
            REQUESTS,
            partitions,
            replication_factor=1,
            config={"message.timestamp.type": "LogAppendTime"},
        )
        async with asyncio.timeout(30):
            while True:
                try:
                    futures = self._admin.create_topics([made])
                    await asyncio.to_thread(futures[REQUESTS].result, 30)
                except KafkaException:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def send(self, *requests: tuple[int, int]) -> set[str]:
        """Requests to partitions: (partition, how many); their ids."""
        sent = set()
        async with AIOKafkaProducer(bootstrap_servers=self._stack.bootstrap) as producer:
            for partition, number in requests:
                for _ in range(number):
                    name = f"{self._run}-{len(self.sent)}"
                    value = orjson.dumps({"prompt": "hi", "request_id": name, "tier": "simple"})
                    await _send(producer, value, partition)
                    self.sent.append(name)
                    sent.add(name)
        return sent

    async def answered(self, sent: Collection[str]) -> float:
        """Wait for a reply to each; how long that took, s."""
        begun = time.monotonic()
        await self._reader.until(lambda: set(sent) <= self.replies().keys(), TAKEN_UP_S)
        return time.monotonic() - begun

    def replies(self) -> Counter[str]:
        """How many replies each executed request got."""
        found = (orjson.loads(record.value) for record in self._reader.of(REPLIES))
        return Counter(
            each["request_id"]
            for each in found
            if each["status"] == "replied" and each["request_id"].startswith(self._run)
        )


async def _send(producer: AIOKafkaProducer, value: bytes, partition: int) -> None:
    """Send to a partition that may be so new that the producer has no metadata of it."""
    async with asyncio.timeout(30):
        while True:
            with suppress(AssertionError, KafkaError):
                await producer.send_and_wait(REQUESTS, value, partition=partition)
                return
            await producer.client.force_metadata_update()
            await asyncio.sleep(0.05)


def _get(url: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, orjson.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, orjson.loads(error.read())


def page(url: str) -> Page:
    """What a worker answers now."""
    _, ready = _get(f"{url}/ready")
    status, health = _get(f"{url}/health")
    return Page(status=status, health=health, why=ready["why"])


async def _watch(urls: Collection[str], pages: list[Page]) -> None:
    while True:
        pages += [await asyncio.to_thread(page, url) for url in urls]
        await asyncio.sleep(0.05)


async def _becomes(url: str, why: str | None) -> Page:
    """The page of a worker once it is not ready for this reason, or ready."""
    async with asyncio.timeout(TAKEN_UP_S):
        while True:
            found = await asyncio.to_thread(page, url)
            if found.why == why:
                return found
            await asyncio.sleep(0.05)


async def changed(
    stack: Stack, names: Collection[str], run: str, partition_counts: Iterable[int]
) -> Changes:
    """Extend the request topic from 4 to 6 partitions, then delete and recreate it with each of
    these numbers of partitions. Between the first two it stays deleted until every worker reports
    it.
    """
    changes = Changes()
    urls = [stack.page_url(name) for name in names]
    async with topic_reader(stack.bootstrap, [REPLIES]) as reader:
        topic = Topology(stack, reader, run)
        watching = asyncio.create_task(_watch(urls, changes.pages))
        try:
            await topic.answered(await topic.send((0, 6), (1, 2)))
            await topic.widen(6)
            changes.took["4 to 6"] = await topic.answered(await topic.send((4, 1), (5, 1), (0, 1)))
            for partitions in partition_counts:
                await topic.delete()
                if not any(name.startswith("anew") for name in changes.took):
                    gone = [await _becomes(url, GONE) for url in urls]
                    assert {each.status for each in gone} == {503}
                await topic.make(partitions)
                # Below, at and above the offset that the old topic had.
                sent = await topic.send((0, 3), (1, 12), (partitions - 1, 1))
                changes.took[f"anew with {partitions}"] = await topic.answered(sent)
            for url in urls:
                await _becomes(url, None)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        changes.replies = topic.replies()
        assert changes.replies.keys() == set(topic.sent)
    return changes
