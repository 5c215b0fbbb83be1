"""The contract of a client's connection: on a broker, and in memory. A function plays workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from core.background_tasks import cancelled
from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.librdkafka_consumer import standalone
from schemas.callers.headers import CORRELATION_ID, REPLY_TOPIC
from schemas.errors import DeadlineError, RejectedRequestError, TopicError
from schemas.gateway.headers import CALL_ID, SEQUENCE, STREAM
from streams.client.client import SluiceClient
from streams.client.connection import Connect, at_end, kafka_connection
from streams.client.in_memory_connection import MemoryPipeline, answered, unanswered
from streams.client.settings import ClientSettings

PATIENCE_S = 60.0
PARTS = ("An ", "answer ")


def answering(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the workers of both reply."""
    if request["prompt"] == "silence":
        return None
    if request["prompt"] == "bad":
        return unanswered(request, "rejected", "invalid_request")
    return answered(request, f"An answer to {request['prompt']}")


class Pipeline(Protocol):
    """Topics of one test, and workers."""

    settings: ClientSettings
    connect: Connect

    def working(self) -> Any:
        """Run workers, as a context."""


class BrokerPipeline:
    def __init__(self, bootstrap: str, name: str) -> None:
        self.settings = ClientSettings(
            bootstrap_servers=bootstrap,
            request_topic=f"{name}.requests",
            reply_topic=f"{name}.replies",
        )
        self.connect: Connect = kafka_connection
        names = (self.settings.request_topic, self.settings.reply_topic)
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for made in admin.create_topics([NewTopic(each, 2, 1) for each in names]).values():
            made.result()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with (
            AIOKafkaProducer(**self.settings.kafka) as producer,
            standalone(self.settings.librdkafka, wait_ms=20) as consumer,
        ):
            await at_end(consumer, self.settings.request_topic)

            async def work() -> None:
                while True:
                    for record in await consumer.read(timeout_s=1):
                        await self._answer(producer, record)

            task = asyncio.create_task(work())
            try:
                yield
            finally:
                await cancelled(task)

    async def _answer(self, producer: AIOKafkaProducer, record: FetchedRecord) -> None:
        headers = dict(record.headers)
        reply = answering(orjson.loads(record.value or b""))
        topic = (headers[REPLY_TOPIC] or b"").decode()
        echoed = (CORRELATION_ID, headers[CORRELATION_ID])
        for number, part in enumerate(PARTS if STREAM in headers else ()):
            value = orjson.dumps({"model": "small", "delta": {"content": part}})
            more = [(CALL_ID, b"c1"), (SEQUENCE, str(number).encode())]
            await producer.send(topic, value, key=record.key, headers=[echoed, *more])
        if reply is not None:
            value = orjson.dumps(reply)
            await producer.send_and_wait(topic, value, key=record.key, headers=[echoed])


class InMemory:
    def __init__(self, name: str) -> None:
        self.settings = ClientSettings(
            bootstrap_servers="nowhere:1",
            request_topic=f"{name}.requests",
            reply_topic=f"{name}.replies",
        )
        topics = (self.settings.request_topic, self.settings.reply_topic)
        pipeline = MemoryPipeline(answering, topics=topics)
        pipeline.parts = [{"content": part} for part in PARTS]
        self.connect: Connect = pipeline.connect

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        yield


@pytest.fixture(params=["broker", "memory"])
def pipeline(request: pytest.FixtureRequest, own_name: str) -> Pipeline:
    if request.param == "memory":
        return InMemory(own_name)
    return BrokerPipeline(request.getfixturevalue("kafka"), own_name)


def _run(pipeline: Pipeline, case: Callable[[SluiceClient], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with (
            asyncio.timeout(PATIENCE_S),
            pipeline.working(),
            SluiceClient(pipeline.settings, connect=pipeline.connect) as client,
        ):
            await case(client)

    asyncio.run(scenario())


def test_questions_are_answered_and_refused_ones_raise(pipeline: Pipeline) -> None:
    async def case(client: SluiceClient) -> None:
        assert (await client.ask("one")).text == "An answer to one"
        with pytest.raises(RejectedRequestError):
            await client.ask("bad")
        with pytest.raises(DeadlineError):
            (await client.exchange({"prompt": "silence"}, timeout_s=0.1)).answer()

    _run(pipeline, case)


def test_each_of_many_requests_gets_its_own_reply(pipeline: Pipeline) -> None:
    async def case(client: SluiceClient) -> None:
        requests = [f"number {number}" for number in range(50)]
        found = {
            outcome.request["prompt"]: outcome.answer().text
            async for outcome in client.ask_many(requests, in_flight=8)
        }
        assert found == {each: f"An answer to {each}" for each in requests}

    _run(pipeline, case)


def test_a_streamed_answer_is_whole(pipeline: Pipeline) -> None:
    async def case(client: SluiceClient) -> None:
        parts = [part.text async for part in client.stream("stream")]
        assert parts == [*PARTS, "to stream"]

    _run(pipeline, case)


def test_two_clients_of_one_reply_topic_skip_each_other_s_replies(pipeline: Pipeline) -> None:
    async def case(client: SluiceClient) -> None:
        async with SluiceClient(pipeline.settings, connect=pipeline.connect) as other:
            first, second = await asyncio.gather(client.ask("a"), other.ask("b"))
        assert (first.text, second.text) == ("An answer to a", "An answer to b")

    _run(pipeline, case)


def test_a_missing_reply_topic_is_named(pipeline: Pipeline) -> None:
    settings = ClientSettings(
        bootstrap_servers=pipeline.settings.bootstrap_servers,
        request_topic=pipeline.settings.request_topic,
        reply_topic="replies.missing",
    )

    async def scenario() -> None:
        async with SluiceClient(settings, connect=pipeline.connect):
            pass

    with pytest.raises(TopicError, match=r"replies\.missing"):
        asyncio.run(scenario())
