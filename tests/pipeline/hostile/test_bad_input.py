"""What callers get wrong: an error reply or a dead letter each, and the next is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from schemas.encoding.codec import SINGLE_OBJECT_MARK, Codec, Format
from schemas.topics import COST
from tests.rig.hostile.sender import Sender, sender
from tests.rig.stack import Stack

Case = Callable[[Sender], Awaitable[None]]


def _run(pipeline: Stack, case: Case) -> None:
    """Run a case, and see that the next good request is still answered."""

    async def scenario() -> None:
        async with sender(pipeline.bootstrap) as caller:
            await case(caller)
            good = await caller.ask({"prompt": "What are your opening hours on Saturday?"})
            assert good["status"] == "replied"

    asyncio.run(scenario())


def _avro_request() -> bytes:
    record = {"prompt": "What are your opening hours on Saturday?"}
    return Codec("Request").encode(record, Format.SINGLE_OBJECT)


UNREADABLE = {
    "not JSON": b"hello {",
    "bad UTF-8": b'{"prompt": "\xff\xfe"}',
    "a JSON list": b"[1, 2]",
    "truncated Avro": b"cut",
    "an unknown schema": b"\xc3\x01" + b"\x00" * 8 + b"abc",
    "an empty value": b"",
    "a null value": None,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_bytes_that_are_no_request_are_dead_letters_and_are_answered(
    pipeline: Stack, kind: str
) -> None:
    value = UNREADABLE[kind]
    if kind == "truncated Avro":
        value = _avro_request()[:-3]

    async def case(caller: Sender) -> None:
        correlation = await caller.send(value)
        dead = await caller.received(correlation, dead=True)
        reply = await caller.reply_to(correlation)

        assert dead.record.value == value
        assert dead.headers["dlq-cause"] == b"undecodable"
        assert (reply["status"], reply["error"]["code"]) == ("rejected", "invalid_request")

    _run(pipeline, case)


REFUSED: dict[str, dict[str, Any]] = {
    "an unknown field": {"prompt": "hi", "colour": "red"},
    "empty messages": {"messages": []},
    "neither prompt nor messages": {"feature": "faq"},
    "both prompt and messages": {"prompt": "a", "messages": [{"role": "user", "content": "b"}]},
    "a stream": {"prompt": "hi", "stream": True},
    "two answers": {"prompt": "hi", "n": 2},
    "an unknown model": {"prompt": "hi", "model": "gpt-99"},
    "an unknown tier": {"prompt": "hi", "tier": "heroic"},
    "a negative deadline": {"prompt": "hi", "deadline_ms": -5},
    "a deadline of days": {"prompt": "hi", "deadline_ms": 10**9},
    "a malformed request id": {"prompt": "hi", "request_id": "a/b"},
    "a score above one": {"prompt": "hi", "retrieval": {"scores": [1.5]}},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_with_unsupported_parameters_gets_an_error_reply(
    pipeline: Stack, kind: str
) -> None:
    async def case(caller: Sender) -> None:
        reply = await caller.ask(REFUSED[kind])

        assert reply["status"] == "rejected"
        assert reply["error"]["code"] == "invalid_request"
        assert not reply["error"]["retryable"]
        assert reply["message"] is None

    _run(pipeline, case)


def test_a_prompt_of_five_megabytes_is_too_large(pipeline: Stack) -> None:
    async def case(caller: Sender) -> None:
        reply = await caller.ask({"prompt": "word " * 1_048_576})

        assert (reply["status"], reply["error"]["code"]) == ("rejected", "too_large")

    _run(pipeline, case)


def test_a_deadline_that_is_past_when_the_request_is_read_expires_it(pipeline: Stack) -> None:
    async def case(caller: Sender) -> None:
        reply = await caller.ask({"prompt": "hi", "deadline_ms": 1, "tier": "complex"})

        assert (reply["status"], reply["error"]["code"]) == ("expired", "deadline_exceeded")

    _run(pipeline, case)


@pytest.mark.parametrize(
    "topic", [COST, "llm.requests.v1", "__consumer_offsets", "llm.replies.v1.dlq", "elsewhere"]
)
def test_a_reply_topic_that_is_not_the_callers_is_forbidden(pipeline: Stack, topic: str) -> None:
    async def case(caller: Sender) -> None:
        reply = await caller.ask({"prompt": "hi"}, reply_topic=topic.encode())

        assert (reply["status"], reply["error"]["code"]) == ("rejected", "reply_topic_forbidden")

    _run(pipeline, case)


def test_a_missing_reply_topic_is_reported_before_a_paid_call(pipeline: Stack) -> None:
    async def case(caller: Sender) -> None:
        reply = await caller.ask({"prompt": "hi"}, reply_topic=b"replies.nowhere")

        assert (reply["status"], reply["error"]["code"]) == ("rejected", "reply_topic_forbidden")
        assert reply["cost_usd"] == 0

    _run(pipeline, case)


def test_a_request_repeated_by_its_caller_is_answered_once(pipeline: Stack, own_name: str) -> None:
    async def case(caller: Sender) -> None:
        value = orjson.dumps({"request_id": own_name, "prompt": "hi"})
        correlation = await caller.send(value)
        await caller.reply_to(correlation)
        await caller.send(value, correlation_id=correlation.encode())
        marker = await caller.ask({"prompt": "hi", "request_id": f"{own_name}-after"})

        assert marker["status"] == "replied"
        assert caller.count(correlation) == 1

    _run(pipeline, case)


def test_a_request_id_used_again_under_another_correlation_gets_the_first_reply(
    pipeline: Stack, own_name: str
) -> None:
    async def case(caller: Sender) -> None:
        request = {"request_id": own_name, "prompt": "hi"}
        first = await caller.ask(request)
        second = await caller.ask(request)

        assert first["status"] == "replied"
        assert second == first

    _run(pipeline, case)


def test_request_ids_are_scoped_to_their_tenant(pipeline: Stack, own_name: str) -> None:
    async def case(caller: Sender) -> None:
        replies = [
            await caller.ask({"request_id": own_name, "tenant": tenant, "prompt": "hi"})
            for tenant in ("acme", "globex")
        ]

        assert [reply["status"] for reply in replies] == ["replied", "replied"]

    _run(pipeline, case)


def test_an_avro_request_gets_an_avro_reply(pipeline: Stack) -> None:
    async def case(caller: Sender) -> None:
        received = await caller.received(await caller.send(_avro_request()))
        reply = received.reply

        assert received.record.value.startswith(SINGLE_OBJECT_MARK)
        assert reply["status"] == "replied"
        assert "9 am" in reply["message"]

    _run(pipeline, case)
