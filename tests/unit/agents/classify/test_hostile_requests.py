"""Oversized, deeply nested or excessive requests get an error reply and delay no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from schemas.chat import MAX_METADATA, MAX_PARTS, MAX_TOOLS, RequestDocument
from schemas.encoding.avro_mapping import from_record
from schemas.encoding.codec import MAX_OPEN_VALUE_BYTES, Codec, single_object_header
from schemas.encoding.nesting import MAX_CONTAINERS, MAX_FIELDS, MAX_FRACTIONS, MAX_VALUES
from schemas.records import TierMessage
from schemas.topics import (
    MAX_REQUEST_BYTES,
    REPLIES,
    REQUESTS,
    dead_letter_topic,
    tier_topic,
)
from streams.agents.classify.handler import classify
from streams.agents.classify.reply_address import MAX_HEADER_BYTES, MAX_KEY_BYTES
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from tests.unit.agents.world import World


def taken(
    value: bytes, headers: Sequence[tuple[str, bytes]] = (), key: bytes | None = b"k"
) -> World:
    """The world in which a request was classified."""
    world = World()

    async def run() -> None:
        message = Incoming(
            topic=REQUESTS,
            partition=0,
            offset=1,
            timestamp=world.clock.now(),
            key=key,
            value=value,
            headers=list(headers),
        )
        await classify(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()),
            await world.worker(),
        )

    asyncio.run(run())
    return world


def arrived(
    value: bytes, headers: Sequence[tuple[str, bytes]] = (), key: bytes | None = b"k"
) -> TierMessage:
    """What a request became on its tier's topic."""
    world = taken(value, headers, key)
    codec = Codec("TierMessage")
    (found,) = (
        from_record(TierMessage, codec.decode(record))
        for tier in ("simple", "moderate", "complex")
        for record in world.log.values(tier_topic(tier))
    )
    return found


def refusal(document: Any) -> str:
    value = document if isinstance(document, bytes) else orjson.dumps(document)
    verdict = arrived(value).verdict
    assert verdict is not None
    assert verdict.code == "invalid_request"
    return verdict.message


def _repeated(head: bytes, unit: bytes, tail: bytes) -> bytes:
    count = (MAX_REQUEST_BYTES - len(head) - len(tail)) // (len(unit) + 1)
    return head + b",".join([unit] * count) + tail


def _named(head: bytes, value: bytes, tail: bytes, count: int = 100_001) -> bytes:
    return head + b",".join(b'"k%d":%s' % (number, value) for number in range(count)) + tail


BOMBS: dict[str, Callable[[], bytes]] = {
    "parts": partial(_repeated, b'{"messages":[{"role":"user","content":[', b"{}", b"]}]}"),
    "messages": partial(_repeated, b'{"messages":[', b"{}", b"]}"),
    "fields": partial(_named, b'{"prompt":"x",', b"1", b"}"),
    "fields of a message": partial(_named, b'{"messages":[{"role":"user",', b"1", b"}]}"),
    "metadata": partial(_named, b'{"prompt":"x","metadata":{', b'"v"', b"}}"),
    "biases": partial(_named, b'{"prompt":"x","logit_bias":{', b'"v"', b"}}"),
    "a schema": partial(
        _named,
        b'{"prompt":"x","tools":[{"type":"function","function":{"name":"f","parameters":{',
        b"{}",
        b"}}}]}",
    ),
    "lists in lists": partial(
        _repeated, b'{"prompt":"x","extra_body":{"a":[', b"[" * 90 + b"]" * 90, b"]}}"
    ),
    "numbers": partial(_repeated, b'{"prompt":"x","extra_body":{"a":[', b"1", b"]}}"),
    "texts": partial(_repeated, b'{"prompt":"x","stop":[', b'""', b"]}"),
    "annotations": partial(
        _repeated, b'{"messages":[{"role":"user","content":"a","annotations":[', b"{}", b"]}]}"
    ),
}


CROWDS: dict[str, Callable[[], bytes]] = {
    "fields": partial(_named, b'{"prompt":"x",', b"1", b"}", 2_500),
    "fields of a message": partial(_named, b'{"messages":[{"role":"user",', b"1", b"}]}", 90_000),
    "metadata": partial(_named, b'{"prompt":"x","metadata":{', b'"v"', b"}}", 3_000),
    "fractions": lambda: (
        b'{"prompt":"x","extra_body":{"a":[%s]}}' % b",".join([b"1.10"] * (MAX_FRACTIONS + 1))
    ),
    "large integers": lambda: b'{"prompt":"x","tools":[%s]}' % b",".join([b"1" * 30] * 99_000),
}
"""Fewer than are not read at all, more than are looked at."""


@pytest.mark.parametrize("what", BOMBS)
def test_a_value_that_is_slow_to_parse_is_rejected_unparsed_with_a_reply(what: str) -> None:
    world = taken(BOMBS[what](), [("correlation-id", b"c")])
    (dead,) = world.log.of(dead_letter_topic(REQUESTS))
    assert dict(dead.record.headers)["dlq-reason"] in {
        b"more than %d values" % MAX_VALUES,
        b"more than %d lists and objects" % MAX_CONTAINERS,
    }
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("rejected", "invalid_request")
    assert reply["cost_usd"] == 0.0


@pytest.mark.parametrize(
    "text", ["[{" * 200_000, '"[\\\\"[' * 100_000, "\\" * 300_000 + "[" * 200_000]
)
def test_brackets_in_a_prompt_are_no_lists(text: str) -> None:
    assert arrived(orjson.dumps({"prompt": text})).verdict is None


@pytest.mark.parametrize("what", CROWDS)
def test_too_many_values_are_refused_before_each_is_looked_at(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestDocument, "model_validate", None)
    message = refusal(CROWDS[what]())
    assert f"{MAX_FIELDS} fields" in message or f"{MAX_FRACTIONS} numbers" in message


def test_a_request_at_every_limit_is_accepted() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"a": {"b": [1] * 500}}}}
    part = {"type": "text", "text": "a"}
    body = arrived(
        orjson.dumps(
            {
                "messages": [{"role": "user", "content": [part] * MAX_PARTS}],
                "tools": [tool] * MAX_TOOLS,
                "metadata": {str(number): "v" for number in range(MAX_METADATA)},
            }
        )
    )
    assert body.verdict is None


def test_an_endless_avro_integer_is_rejected_after_ten_bytes() -> None:
    endless = single_object_header("Request") + b"\x80" * MAX_REQUEST_BYTES
    (dead,) = taken(endless, []).log.of(dead_letter_topic(REQUESTS))
    assert dict(dead.record.headers)["dlq-reason"] == b"an integer of more than 10 bytes"


def test_an_avro_request_of_the_largest_size_is_read() -> None:
    text = "\u00e9\u4e2d" * (MAX_REQUEST_BYTES // 6)
    value = Codec("Request").encode({"prompt": text})
    assert Codec("Request").decode(value)["prompt"] == text


def test_a_value_that_was_larger_before_compression_than_its_topic_takes_is_not_read() -> None:
    (dead,) = taken(b'{"prompt":"%s"}' % (b"x" * MAX_OPEN_VALUE_BYTES), []).log.of(
        dead_letter_topic(REQUESTS)
    )
    assert dict(dead.record.headers)["dlq-reason"] == b"more than %d bytes" % MAX_OPEN_VALUE_BYTES


def test_ten_thousand_tools_are_refused_by_name() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert refusal({"prompt": "x", "tools": [tool] * 10_000}).startswith("tools: ")


@pytest.mark.parametrize(
    "metadata", [{"a": "v" * 1_000_000}, {"k" * 1_000_000: "v"}, {str(n): "v" for n in range(65)}]
)
def test_a_metadata_bomb_is_refused_and_not_quoted(metadata: dict[str, str]) -> None:
    message = refusal({"prompt": "x", "metadata": metadata})
    assert message.startswith("metadata")
    assert len(message) < 1_000


def test_a_refusal_message_is_bounded() -> None:
    wrong = {f"{'f' * 1_000}{number}": 1 for number in range(MAX_FIELDS - 1)}
    assert len(refusal({"prompt": "x", **wrong})) < 1_000


def test_a_hundred_thousand_headers_are_echoed_as_one_of_each_name() -> None:
    headers = [("correlation-id", b"%d" % number) for number in range(50_000)]
    headers += [("traceparent", b"t"), ("x-other", b"1" * 100_000), ("traceparent", b"u")]
    echoed = arrived(b'{"prompt":"x"}', headers).reply_to.headers
    assert [(each.name, each.value) for each in echoed] == [
        ("correlation-id", b"0"),
        ("traceparent", b"t"),
    ]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"00-zz-zz-zz",
        b"\xff\xfe",
        b"a\r\nreply-topic: __consumer_offsets",
        b"00-" + b"0" * 900,
    ],
)
def test_an_invalid_traceparent_is_echoed_without_effect(nonsense: bytes) -> None:
    hop = arrived(b'{"prompt":"x"}', [("traceparent", nonsense)])
    assert hop.verdict is None
    assert hop.reply_to.topic == REPLIES
    assert [each.value for each in hop.reply_to.headers] == [nonsense]


@pytest.mark.parametrize("name", ["correlation-id", "traceparent", "tracestate"])
def test_a_header_that_is_too_long_to_echo_is_refused(name: str) -> None:
    hop = arrived(b'{"prompt":"x"}', [(name, b"x" * (MAX_HEADER_BYTES + 1))])
    assert hop.verdict is not None
    assert hop.reply_to.headers == ()


@pytest.mark.parametrize(
    "topic",
    [
        b"__consumer_offsets",
        b"llm.events.cost.v1",
        b"llm.requests.v1.dlq",
        b"replies.a\r\nx: y",
        b"replies.\xff",
        b"replies." + b"a" * 300,
        b"..",
        b"replies./../llm.budgets.v1",
    ],
)
def test_no_header_leads_a_reply_to_a_topic_that_is_not_allowed(topic: bytes) -> None:
    hop = arrived(b'{"prompt":"x"}', [("reply-topic", topic)])
    assert hop.verdict is not None
    assert hop.verdict.code == "reply_topic_forbidden"
    assert hop.reply_to.topic == REPLIES


def test_a_key_that_is_too_long_does_not_travel_along() -> None:
    hop = arrived(b'{"prompt":"x"}', key=b"k" * (MAX_KEY_BYTES + 1))
    assert hop.verdict is not None
    assert hop.reply_to.key is None
    assert arrived(b'{"prompt":"x"}', key=b"k" * MAX_KEY_BYTES).verdict is None
