"""Sends bytes as a caller would, valid or not, and receives the replies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas.encoding.codec import Codec
from schemas.topics import REPLIES, REQUESTS, dead_letter_topic

RECEIVE_TIMEOUT_S = 30.0
_REPLIES = Codec("Reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What arrived under one correlation id: replies by topic, dead letters."""

    topic: str
    record: ConsumerRecord

    @property
    def reply(self) -> dict[str, Any]:
        return _REPLIES.decode(self.record.value)

    @property
    def headers(self) -> dict[str, bytes]:
        return dict(self.record.headers)


class Sender:
    """One caller, listening on reply topics and on the dead letters of the request topic."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self._producer = producer
        self._consumer = consumer
        self._seen: dict[str, list[Received]] = {}
        self._news = asyncio.Condition()

    async def send(self, value: bytes | None, topic: str = REQUESTS, **headers: bytes) -> str:
        """Publish bytes; returns the correlation id of the replies."""
        correlation = uuid.uuid4().hex
        named = [(name.replace("_", "-"), text) for name, text in headers.items()]
        if "correlation_id" not in headers:
            named.append(("correlation-id", correlation.encode()))
        else:
            correlation = headers["correlation_id"].decode()
        await self._producer.send_and_wait(topic, key=b"any", value=value, headers=named)
        return correlation

    async def ask(
        self, request: dict[str, Any], topic: str = REQUESTS, **headers: bytes
    ) -> dict[str, Any]:
        """Send a request as JSON; its reply."""
        return await self.reply_to(await self.send(orjson.dumps(request), topic, **headers))

    async def reply_to(self, correlation: str, number: int = 0) -> dict[str, Any]:
        """The reply number n under a correlation id."""
        return (await self.received(correlation, number)).reply

    async def received(self, correlation: str, number: int = 0, *, dead: bool = False) -> Received:
        """The record number n, of the dead letters or of the replies."""
        dlq = dead_letter_topic(REQUESTS)

        def there() -> list[Received]:
            found = self._seen.get(correlation, [])
            return [each for each in found if (each.topic == dlq) is dead]

        async with asyncio.timeout(RECEIVE_TIMEOUT_S), self._news:
            await self._news.wait_for(lambda: len(there()) > number)
        return there()[number]

    def count(self, correlation: str) -> int:
        """How many records have a correlation id up to now."""
        return len(self._seen.get(correlation, []))

    async def listen(self) -> None:
        """Collect incoming records, until cancelled."""
        async for record in self._consumer:
            correlation = dict(record.headers).get("correlation-id", b"").decode()
            async with self._news:
                self._seen.setdefault(correlation, []).append(
                    Received(topic=record.topic, record=record)
                )
                self._news.notify_all()


@asynccontextmanager
async def sender(bootstrap: str, more_topics: Sequence[str] = ()) -> AsyncIterator[Sender]:
    """A sender on a broker."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=12_000_000)
    consumer = AIOKafkaConsumer(
        REPLIES,
        dead_letter_topic(REQUESTS),
        *more_topics,
        bootstrap_servers=bootstrap,
        auto_offset_reset="latest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=12_000_000,
    )
    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    await asyncio.gather(*(consumer.position(place) for place in consumer.assignment()))
    running = Sender(producer, consumer)
    listening = asyncio.create_task(running.listen())
    try:
        yield running
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await consumer.stop()
        await producer.stop()
