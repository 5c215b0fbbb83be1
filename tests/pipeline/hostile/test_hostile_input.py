"""What only a hostile or broken client sends, over a real broker: the next request is answered."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from schemas.topics import MAX_REQUEST_BYTES, REPLIES, REQUESTS, dead_letter_topic
from tests.rig.hostile.sender import sender
from tests.rig.stack import Stack

RECEIVE_TIMEOUT_S = 30.0
GOOD = {"prompt": "What are your opening hours on Saturday?"}


class NoText(str):
    """A header's name that is written as bytes which are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfename"


async def _publish(
    bootstrap: str, value: bytes, headers: Sequence[tuple[str, bytes | None]], key: bytes = b"any"
) -> None:
    writer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=12_000_000)
    async with writer:
        await writer.send_and_wait(REQUESTS, key=key, value=value, headers=list(headers))


def _answered(pipeline: Stack, value: bytes, *headers: tuple[str, bytes | None]) -> dict[str, Any]:
    """The reply to a request with these headers; the next one is answered as well."""
    correlation = uuid.uuid4().hex

    async def case() -> dict[str, Any]:
        async with sender(pipeline.bootstrap) as caller:
            named = [("correlation-id", correlation.encode()), *headers]
            await _publish(pipeline.bootstrap, value, named)
            reply = await caller.reply_to(correlation)
            assert (await caller.ask(GOOD))["status"] == "replied"
            return reply

    return asyncio.run(case())


def test_a_header_name_that_is_not_utf_8_stops_no_worker(
    pipeline: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fast builder can't write such a name.
    for module in (message_accumulator, producer):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    reply = _answered(pipeline, orjson.dumps(GOOD), (NoText("x"), b"1"))
    assert reply["status"] == "replied"


def test_headers_without_values_stop_no_worker(pipeline: Stack) -> None:
    nothing = [(name, None) for name in ("traceparent", "reply-topic", "kafka_replyPartition")]
    assert _answered(pipeline, orjson.dumps(GOOD), *nothing)["status"] == "replied"


def test_a_hundred_thousand_headers_stop_no_worker(pipeline: Stack) -> None:
    many = [("traceparent", b"%d" % number) for number in range(99_999)]
    assert _answered(pipeline, orjson.dumps(GOOD), *many)["status"] == "replied"


def test_four_megabytes_of_empty_parts_are_refused(pipeline: Stack) -> None:
    head, tail = b'{"messages":[{"role":"user","content":[', b"{}]}]}"
    bomb = head + b"{}," * ((MAX_REQUEST_BYTES - len(head) - len(tail)) // 3) + tail
    reply = _answered(pipeline, bomb)
    assert (reply["status"], reply["error"]["code"]) == ("rejected", "invalid_request")


@pytest.mark.parametrize("value", [orjson.dumps(GOOD), b"hello {"], ids=["good", "unreadable"])
def test_a_reply_to_a_partition_that_is_not_there_is_a_dead_letter(
    pipeline: Stack, value: bytes
) -> None:
    name = ("correlation-id", uuid.uuid4().hex.encode())

    async def case() -> None:
        consumer = AIOKafkaConsumer(
            dead_letter_topic(REPLIES),
            bootstrap_servers=pipeline.bootstrap,
            auto_offset_reset="earliest",
        )
        async with consumer, sender(pipeline.bootstrap) as caller:
            headers = [name, ("kafka_replyPartition", (999).to_bytes(4, "big"))]
            await _publish(pipeline.bootstrap, value, headers)
            async with asyncio.timeout(RECEIVE_TIMEOUT_S):
                async for record in consumer:
                    if name in record.headers:
                        break
            assert (await caller.ask(GOOD))["status"] == "replied"

    asyncio.run(case())
