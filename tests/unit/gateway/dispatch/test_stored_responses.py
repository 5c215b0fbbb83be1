"""Responses found in the log, and followed from there."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from schemas.callers.headers import CORRELATION_ID
from schemas.gateway.headers import CALL_ID, SEQUENCE
from schemas.records import DAY_MS
from schemas.topics import GATEWAY_REPLIES
from streams.gateway.dispatch.acceptance import AcceptedResponse
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.response_ids import ResponseId
from streams.gateway.dispatch.stored_responses import ACCEPTED_WITHIN_MS, MARGIN_MS, StoredResponses
from streams.gateway.dispatch.waiting import WaitingRequests

AT = 1_800_000_000_000
PLACE = TopicPartition(GATEWAY_REPLIES, 0)
NAMED = ResponseId(request_id="r1", partition=0, accepted_at=AT)
IDENTITY = NAMED.identity("key")
ACCEPTED = AcceptedResponse(
    tenant="acme", asked_model="auto", deadline_ms=1_000, background=True, echo={}
)


def append(topics: InMemoryTopics, value: bytes, *headers: tuple[str, bytes]) -> None:
    found = ((CORRELATION_ID, IDENTITY.correlation), *headers)
    topics.append(PLACE, value, headers=found, at=AT)


def append_acceptance(topics: InMemoryTopics, at: int) -> None:
    record = ACCEPTED.record(IDENTITY, AT)
    topics.append(PLACE, record.value, headers=tuple(record.headers), at=at)


async def started() -> tuple[InMemoryTopics, WaitingRequests, ReplyReader]:
    """A reply topic with one partition, and a reader at its end."""
    topics, waiting = InMemoryTopics(), WaitingRequests()
    topics.create(GATEWAY_REPLIES, 1)
    reader = ReplyReader(InMemoryConsumer(topics), InMemoryConsumer(topics), waiting, lambda: AT)
    await reader.start([0])
    return topics, waiting, reader


def append_part(topics: InMemoryTopics, number: int) -> None:
    value = orjson.dumps({"model": "m", "delta": {"content": str(number)}})
    append(topics, value, (CALL_ID, b"c1"), (SEQUENCE, b"%d" % number))


def test_a_record_that_the_reader_takes_after_the_search_counts_once() -> None:
    async def scenario() -> None:
        topics, waiting, reader = await started()
        stored = StoredResponses(InMemoryConsumer(topics), reader, waiting, lambda: AT)
        append_acceptance(topics, AT)
        append_part(topics, 0)
        found = await stored.find(NAMED, "key", "acme")
        assert found is not None
        reading = asyncio.create_task(reader.run())
        append_part(topics, 1)
        reply: dict[str, Any] = {"request_id": "r1", "status": "replied", "latency_ms": 1.0}
        append(topics, orjson.dumps({**reply, "tiers_tried": []}))
        async with asyncio.timeout(10):
            while not found.waiting.has_ended:
                await found.waiting.changed(1.0)
        reading.cancel()
        assert [each.delta["content"] for each in found.waiting.parts] == ["0", "1"]
        assert await stored.find(NAMED, "key", "other") is None
        assert await stored.find(NAMED, "other", "acme") is None

    asyncio.run(scenario())


def test_a_reply_without_a_record_of_acceptance_is_no_response() -> None:
    async def scenario() -> None:
        topics, waiting, reader = await started()
        append_part(topics, 0)
        append(topics, b"nothing")
        stored = StoredResponses(InMemoryConsumer(topics), reader, waiting, lambda: AT)
        assert await stored.find(NAMED, "key", "acme") is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "forged",
    [
        ResponseId(request_id="r1", partition=0xFFFF, accepted_at=AT),
        ResponseId(request_id="r1", partition=0, accepted_at=2**48 - 1),
        ResponseId(request_id="r1", partition=0, accepted_at=AT + MARGIN_MS + 1),
        ResponseId(request_id="r1", partition=0, accepted_at=AT - DAY_MS - 1),
        ResponseId(request_id="r1", partition=0, accepted_at=0),
    ],
)
def test_an_id_that_the_owner_of_a_key_made_up_is_unknown(forged: ResponseId) -> None:
    async def scenario() -> None:
        topics, waiting, reader = await started()
        stored = StoredResponses(InMemoryConsumer(topics), reader, waiting, lambda: AT)
        append_acceptance(topics, AT)
        assert await stored.find(forged, "key", "acme") is None

    asyncio.run(scenario())


def test_a_search_ends_where_no_acceptance_can_follow() -> None:
    async def scenario() -> None:
        topics, waiting, reader = await started()
        late = AT + ACCEPTED_WITHIN_MS + 1
        topics.append(PLACE, b"another's", headers=((CORRELATION_ID, b"x"),), at=late)
        append_acceptance(topics, late)
        stored = StoredResponses(InMemoryConsumer(topics), reader, waiting, lambda: late)
        named = ResponseId(request_id="r2", partition=0, accepted_at=AT)
        assert await stored.find(named, "key", "acme") is None
        assert len(waiting) == 0

    asyncio.run(scenario())
