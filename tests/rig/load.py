"""Load: requests published at a steady rate, or as fast as replies come; latency topic to topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from infra.workload.sample import load_workload
from schemas.topics import REPLIES, REQUESTS

Make = Callable[[int], dict[str, Any]]

PATIENCE_MS = 180_000
"""How long a sender's producer holds its records while the broker is away."""


def workload_requests(run: str, **fields: Any) -> Make:
    """The sample workload over and over, ids `RUN-NUMBER`, with these fields laid over each."""
    workload = load_workload()

    def make(number: int) -> dict[str, Any]:
        item = workload[number % len(workload)]
        return {**item.request, "request_id": f"{run}-{number}", **fields}

    return make


def code_of(reply: dict[str, Any]) -> str:
    """A reply's error code, or its status where it has none."""
    return reply["error"]["code"] if reply.get("error") else str(reply["status"])


@dataclass
class Seen:
    """Received replies by request id, and the latency of each first one, ms.

    `stamped` and `answered_at` are the broker's times of requests and first replies, ms.
    """

    sent_at: dict[str, float] = field(default_factory=dict)
    replies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    replied_at: list[float] = field(default_factory=list)
    stamped: dict[str, int] = field(default_factory=dict)
    answered_at: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> set[str]:
        return set(self.sent_at) - set(self.replies)

    def percentile(self, share: float, skip: int = 0) -> float:
        """A percentile of latency, ms, without the first `skip` requests."""
        wanted = list(self.sent_at)[skip:]
        values = sorted(self.latency_ms[key] for key in wanted if key in self.latency_ms)
        return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")

    def longest_silence_s(self, since: float) -> float:
        """Longest time without a reply after a moment (`time.time()`)."""
        times = [since, *sorted(at for at in self.replied_at if at >= since)]
        return max((b - a for a, b in pairwise(times)), default=0.0)


class Load:
    """A producer of requests and a consumer of their replies."""

    def __init__(self, producer: AIOKafkaProducer, seen: Seen, topic: str = REQUESTS) -> None:
        self._producer = producer
        self._topic = topic
        self.seen = seen
        self._arrived = asyncio.Event()

    def took(self, reply: dict[str, Any], stamp: int) -> None:
        now = time.time()
        key = reply["request_id"]
        self.seen.answered_at.setdefault(key, stamp)
        self.seen.replied_at.append(now)
        self.seen.replies.setdefault(key, []).append(reply)
        if key in self.seen.sent_at and key not in self.seen.latency_ms:
            self.seen.latency_ms[key] = (now - self.seen.sent_at[key]) * 1000
        self._arrived.set()

    async def send(self, request: dict[str, Any], **headers: str) -> None:
        """Publish one request; returns when the producer has accepted it."""
        name = request["request_id"]
        self.seen.sent_at[name] = time.time()
        under_way = await self._producer.send(
            self._topic,
            value=orjson.dumps(request),
            key=name.encode(),
            headers=[(each.replace("_", "-"), text.encode()) for each, text in headers.items()],
        )
        under_way.add_done_callback(lambda done: self._stamped(name, done))

    def _stamped(self, name: str, done: asyncio.Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            self.seen.stamped[name] = done.result().timestamp

    async def at_rate(self, make: Make, rate: float, seconds: float) -> None:
        """Open loop: requests are sent at their scheduled times, independent of replies."""
        start = time.perf_counter()
        for number in range(int(rate * seconds)):
            wait = start + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            await self.send(make(number))

    async def closed(self, make: Make, total: int, in_flight: int, first: int = 0) -> None:
        """Closed loop: at most `in_flight` unanswered."""
        for number in range(first, first + total):
            while len(self.seen.sent_at) - len(self.seen.replies) >= in_flight:
                self._arrived.clear()
                await self._arrived.wait()
            await self.send(make(number))

    async def all_answered(self, timeout_s: float) -> bool:
        """Wait until every request has a reply."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.seen.missing:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True


async def read_again(bootstrap: str, running: Load, topic: str = REPLIES) -> list[str]:
    """Replies that are on the topic though the load's own consumer did not receive them; their ids.

    The topic is authoritative: a consumer without a group restarts at its end when the broker comes
    back without the requested offset.
    """
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    found = []
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        for place, end in ends.items():
            while end > await consumer.position(place):
                batch = await consumer.getmany(place, timeout_ms=1_000)
                for record in batch.get(place, ()):
                    reply = orjson.loads(record.value)
                    if reply["request_id"] in running.seen.missing:
                        found.append(reply["request_id"])
                        running.took(reply, record.timestamp)
    finally:
        await consumer.stop()
    return found


@asynccontextmanager
async def load(
    bootstrap: str, topics: Sequence[str] = (REPLIES,), requests: str = REQUESTS
) -> AsyncIterator[Load]:
    """A load on a broker; replies are read from the end of the reply topics on."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        max_request_size=10_000_000,
        enable_idempotence=True,
        request_timeout_ms=PATIENCE_MS,
    )
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, auto_offset_reset="latest", enable_auto_commit=False
    )
    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    await asyncio.gather(*(consumer.position(place) for place in consumer.assignment()))
    running = Load(producer, Seen(), requests)

    async def listen() -> None:
        async for record in consumer:
            running.took(orjson.loads(record.value), record.timestamp)

    task = asyncio.create_task(listen())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()
        await producer.stop()
