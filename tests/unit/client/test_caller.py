"""A caller receives its reply among any other records of the reply topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from infra.cli.output.screen import print_json
from schemas.errors import KafkaAccessError, KafkaAwayError, LocalStackError, SluiceError
from schemas.topics import REPLIES
from streams.client import caller as caller_module
from streams.client.caller import (
    CORRELATION_ID,
    KafkaCaller,
    ReceivedReply,
    listen,
    reply_partitions,
)

REPLY = {
    "request_id": "r", "status": "replied", "tiers_tried": ["simple"], "latency_ms": 1.5,
    "cost_usd": 0.1, "baseline_cost_usd": None, "message": {"content": "Hi"}, "model": "m",
    "tier": "simple", "routing": {"classifier": "rules", "reasons": ["short"]}, "error": None,
}  # fmt: skip
CHANGES: tuple[dict[str, Any], ...] = (
    {"status": 5}, {"tiers_tried": [5]}, {"cost_usd": "1"}, {"error": []}, {"error": {"code": 1}},
    {"routing": {"classifier": "rules", "reasons": 5}}, {"message": "text"}, {"latency_ms": None},
    {"status": "failed"}, {"cost_usd": 1e300}, {"message": {"tool_calls": [1]}},
    {"message": {"tool_calls": [{"function": {"name": "f"}}]}}, {"message": {"tool_calls": {}}},
)  # fmt: skip
BAD = (
    *(orjson.dumps({**REPLY, **change}) for change in CHANGES),
    *(
        b'{"status": "replied"}',
        None,
        b"",
        b"\xff",
        b"[]",
        b"1",
        b"null",
        b'{"status"',
        b"[" * 3_000,
        *(
            orjson.dumps(REPLY)[:-1] + b',"%b":%b%b}' % (name, b"[" * levels, b"]" * levels)
            for name in (b"message", b"more", b"routing")
            for levels in (254, 300, 900, 1_020)
        ),
    ),
)


class _Producer:
    def __init__(self) -> None:
        self.correlation = b""

    async def send_and_wait(self, topic: str, *, headers: Any, **_: Any) -> None:
        ((_, self.correlation),) = headers


async def _called() -> tuple[KafkaCaller, bytes, asyncio.Future[ReceivedReply]]:
    producer = _Producer()
    caller = KafkaCaller(producer)  # type: ignore[arg-type]
    future = await caller.call({"prompt": "Hi"})
    return caller, producer.correlation, future


def test_records_with_its_correlation_id_that_are_no_replies_are_passed_over() -> None:
    async def run() -> None:
        caller, correlation, future = await _called()
        for value in BAD:
            caller.receive(correlation, value)
        assert not future.done()
        caller.receive(correlation, orjson.dumps(REPLY))
        assert (await future).reply == REPLY
        assert caller.unreadable == len(BAD)

    asyncio.run(run())


class _Listening:
    """A caller with one request, and the reply topic in memory that it listens to."""

    def __init__(self) -> None:
        self.topics = InMemoryTopics()
        self.topics.create(REPLIES)

    def reply(self, correlation: bytes | None, partition: int = 0) -> None:
        self.topics.append(
            TopicPartition(REPLIES, partition),
            orjson.dumps(REPLY),
            headers=[(CORRELATION_ID, correlation)],
        )

    @asynccontextmanager
    async def called(self) -> AsyncIterator[tuple[bytes, asyncio.Future[ReceivedReply]]]:
        caller, correlation, future = await _called()
        consumer = InMemoryConsumer(self.topics)
        positions = dict.fromkeys(await reply_partitions(consumer), 0)
        consumer.assign(positions)
        listening = asyncio.create_task(listen(consumer, caller, positions))
        try:
            async with asyncio.timeout(10):
                yield correlation, future
        finally:
            listening.cancel()


def test_a_reply_is_received_after_records_of_other_callers() -> None:
    async def run() -> None:
        scene = _Listening()
        scene.reply(None)
        scene.reply(b"another")
        async with scene.called() as (correlation, future):
            scene.reply(correlation)
            assert (await future).reply == REPLY

    asyncio.run(run())


def test_a_reply_on_an_added_partition_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "_PARTITIONS_S", 0.0)

    async def run() -> None:
        scene = _Listening()
        async with scene.called() as (correlation, future):
            scene.topics.create(REPLIES, 2)
            scene.reply(correlation, partition=1)
            assert (await future).reply == REPLY

    asyncio.run(run())


@pytest.mark.parametrize("fault", [KafkaAccessError("token"), KafkaAwayError("no answer")])
def test_waiting_callers_fail_if_reading_of_the_topic_fails(fault: SluiceError) -> None:
    async def run() -> None:
        scene = _Listening()
        async with scene.called() as (_, future):
            scene.topics.fail(fault)
            with pytest.raises(LocalStackError, match=str(fault)):
                await future

    asyncio.run(run())


def test_unreadable_replies_are_named() -> None:
    async def run() -> None:
        caller, correlation, _ = await _called()
        assert caller.unreadable_in_words() == ""
        caller.receive(correlation, b"[]")
        assert "; 1 records on " in caller.unreadable_in_words()

    asyncio.run(run())


def test_a_reply_with_an_empty_error_is_unreadable() -> None:
    async def run() -> None:
        caller, correlation, _ = await _called()
        caller.receive(correlation, orjson.dumps({**REPLY, "status": "failed", "error": {}}))
        assert "; 1 records on " in caller.unreadable_in_words()

    asyncio.run(run())


def test_a_received_reply_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> Any:
        caller, correlation, future = await _called()
        deep = b"[" * 250 + b"]" * 250
        caller.receive(correlation, orjson.dumps(REPLY)[:-1] + b',"more":%b}' % deep)
        return (await future).reply

    print_json(asyncio.run(run()))
    assert orjson.loads(capsys.readouterr().out)["request_id"] == "r"
