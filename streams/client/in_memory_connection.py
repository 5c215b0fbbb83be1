"""In-memory twin of a client's connection: a function plays the workers, for tests.

pipeline = MemoryPipeline(lambda request: answered(request, "An answer."))
async with SluiceClient(connect=pipeline.connect) as client:
    reply = await client.ask("A question?")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import TopicPartition

from core.kafka.producer import Outgoing
from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from schemas.callers.headers import CORRELATION_ID, REPLY_TOPIC
from schemas.errors import TopicError
from schemas.gateway.headers import CALL_ID, SEQUENCE
from schemas.topics import REPLIES, REQUESTS
from streams.client.connection import Connection, at_end
from streams.client.request_publisher import MemoryRequestPublisher
from streams.client.settings import ClientSettings

Document = dict[str, Any]
Answering = Callable[[Mapping[str, Any]], Document | None]
"""Returns the reply to a request, in JSON's form; `None` leaves it unanswered."""


def answered(request: Mapping[str, Any], text: str, **more: Any) -> Document:
    """Return a worker's reply to a request: this text, and other fields."""
    return {
        "request_id": str(request.get("request_id", "none")),
        "status": "replied",
        "message": {"role": "assistant", "content": text},
        "model": "small",
        "provider": "openai",
        "call_id": "c1",
        "tier": "simple",
        "tiers_tried": ["simple"],
        "cost_usd": 0.0001,
        "baseline_cost_usd": 0.001,
        "latency_ms": 1.0,
        "error": None,
        **more,
    }


def unanswered(
    request: Mapping[str, Any], status: str, code: str, *, message: str = "", **more: Any
) -> Document:
    """Return a worker's reply without an answer."""
    nothing = dict.fromkeys(("message", "model", "provider", "call_id", "tier"))
    error = {"code": code, "message": message or f"{code} happened", "retryable": False}
    return {**answered(request, ""), **nothing, "status": status, "error": error, **more}


class MemoryPipeline:
    """Topics in memory with workers that a function plays. `publisher.records` are the requests;
    `parts` are sent before each reply, as deltas of chat completions.
    """

    def __init__(self, answering: Answering, *, topics: tuple[str, ...] = (REQUESTS, REPLIES)):
        self._answering = answering
        self.topics = InMemoryTopics()
        for topic in topics:
            self.topics.create(topic)
        self.publisher = MemoryRequestPublisher(self._work)
        self.parts: list[Mapping[str, Any]] = []
        self._taken: asyncio.Queue[Outgoing] = asyncio.Queue()

    @asynccontextmanager
    async def connect(self, settings: ClientSettings) -> AsyncIterator[Connection]:
        """Connect, as `kafka_connection` does."""
        if not self.topics.count(settings.request_topic):
            raise TopicError(f"the topic {settings.request_topic} does not exist")
        consumer = InMemoryConsumer(self.topics)
        positions = await at_end(consumer, settings.reply_topic)
        try:
            yield Connection(publisher=self.publisher, replies=consumer, positions=positions)
        finally:
            await consumer.close()

    @property
    def requests(self) -> list[Document]:
        """Return the published requests."""
        return [orjson.loads(each.value or b"") for each in self.publisher.records]

    async def next_request(self) -> Outgoing:
        """Wait for the next request, and return its record."""
        return await self._taken.get()

    def send(self, record: Outgoing, value: bytes | None, *more: tuple[str, bytes]) -> None:
        """Append a record to the reply topic of a request."""
        headers = dict(record.headers)
        topic = headers.get(REPLY_TOPIC, REPLIES.encode()).decode()
        correlation = headers[CORRELATION_ID]
        self.topics.append(
            TopicPartition(topic, 0), value, headers=((CORRELATION_ID, correlation), *more)
        )

    def send_part(self, record: Outgoing, number: int, delta: Mapping[str, Any]) -> None:
        """Append a part of an answer to the reply topic of a request."""
        value = orjson.dumps({"model": "small", "delta": delta})
        self.send(record, value, (CALL_ID, b"c1"), (SEQUENCE, str(number).encode()))

    def _work(self, record: Outgoing) -> None:
        self._taken.put_nowait(record)
        reply = self._answering(orjson.loads(record.value or b""))
        if reply is not None:
            for number, delta in enumerate(self.parts):
                self.send_part(record, number, delta)
            self.send(record, orjson.dumps(reply))
