import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from schemas.encoding.avro_mapping import from_record
from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import Codec
from schemas.identity import reply_digest
from schemas.records import TierMessage
from schemas.topics import REPLIES, REQUESTS, dead_letter_topic, tier_topic
from streams.agents.classify.handler import classify
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.flow.reply_topics import ReplyTopicPolicy
from tests.unit.agents.world import World

TOPICS = [
    tier_topic(tier, high=high) for tier in ("simple", "moderate", "complex") for high in (0, 1)
]


def classified(value: bytes | None, **more: Any) -> tuple[World, list[TierMessage]]:
    world = World()
    world.log.broken.update(more.pop("broken", ()))
    topic, bound = more.pop("topic", REQUESTS), more.pop("bound", {})
    policy = ReplyTopicPolicy(prefixes={"replies.": None, "replies.acme.": "acme"})
    headers = [(name, text.encode()) for name, text in more.pop("headers", {}).items()]

    async def run() -> None:
        deps = await world.worker()
        intake = replace(deps.intake, bound_tenants=bound, reply_topics=policy)
        deps = replace(deps, intake=intake)
        at = more.pop("timestamp", world.clock.now())
        message = Incoming(
            topic=topic,
            partition=2,
            offset=9,
            timestamp=at,
            key=b"k",
            value=value,
            headers=headers,
        )
        await classify(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), deps
        )

    asyncio.run(run())
    codec = Codec("TierMessage")
    hops = [
        from_record(TierMessage, codec.decode(value))
        for topic in TOPICS
        for value in world.log.values(topic)
    ]
    return world, hops


def sent(**document: Any) -> TierMessage:
    _, (hop,) = classified(orjson.dumps(document))
    return hop


@pytest.mark.parametrize("levels", [101, 255, 900])
def test_a_request_that_is_nested_too_deeply_is_rejected_by_name(levels: int) -> None:
    deep = (
        b'{"prompt":"x","request_id":"r1","extra_body":' + b'{"a":' * levels + b"1" + b"}" * levels
    )
    _, (hop,) = classified(deep + b"}")

    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"
    assert hop.verdict.message == "extra_body: nested deeper than 100 levels"


def test_a_short_question_starts_on_the_first_tier() -> None:
    hop = sent(prompt="What are your opening hours?", request_id="r1")
    assert (hop.tenant, hop.request_id, hop.tier, hop.hop) == ("default", "r1", "simple", 0)
    assert orjson.loads(hop.body)["messages"][0]["content"] == "What are your opening hours?"
    assert hop.reply_to.topic == REPLIES


def test_a_hard_question_starts_on_the_last_tier() -> None:
    hop = sent(prompt="Design an architecture, step by step, and prove that the algorithm holds.")
    assert hop.tier == "complex"
    assert hop.decision.reasons


def test_best_quality_requests_use_the_priority_topic() -> None:
    world, _ = classified(orjson.dumps({"prompt": "hello there", "quality": "best"}))
    assert len(world.log.of(tier_topic("simple", high=True))) == 1


def test_a_missing_id_is_derived_from_the_log_position() -> None:
    first, second = sent(prompt="hi"), sent(prompt="hi")
    assert first.request_id == second.request_id


def test_the_caller_s_tier_and_model_come_before_any_classifier() -> None:
    assert sent(prompt="hi", tier="complex").decision.classifier == "static"
    pinned = sent(prompt="hi", model="gpt-4o")
    assert (pinned.tier, pinned.decision.model) == ("moderate", "gpt-4o")


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"prompt": "x", "foo": 1}, "foo"),
        ({"messages": []}, "messages"),
        ({"prompt": "x", "messages": [{"role": "user", "content": "y"}]}, "exactly one"),
        ({}, "exactly one"),
        ({"prompt": "x", "stream": True}, "stream"),
        ({"prompt": "x", "n": 2}, "n:"),
        ({"prompt": "x", "deadline_ms": -5}, "deadline_ms"),
        ({"prompt": "x", "model": "nobody"}, "model"),
        ({"prompt": "x", "tier": "nowhere"}, "tier"),
        ({"prompt": "x", "request_id": "bad id"}, "request_id"),
        ({"prompt": "x", "metadata": {"a": 1}}, "metadata"),
    ],
)
def test_a_refusal_names_the_field_and_quotes_nothing(document: dict[str, Any], names: str) -> None:
    hop = sent(**document)
    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"
    assert names in hop.verdict.message
    assert "nobody" not in hop.verdict.message


def test_a_too_large_request_gets_an_error_reply_with_its_id() -> None:
    hop = sent(prompt="x" * 5_000_000, request_id="big")
    assert hop.verdict is not None
    assert (hop.verdict.code, hop.request_id) == ("too_large", "big")


def test_a_request_too_large_after_encoding_gets_an_error_reply_with_its_id() -> None:
    value = Codec("Request").encode({"prompt": "\x01" * 1_000_000, "request_id": "grown"})
    _, (hop,) = classified(value)

    assert hop.verdict is not None
    assert (hop.verdict.code, hop.request_id) == ("too_large", "grown")
    assert hop.body == b""


def test_a_deadline_that_is_over_expires_the_request() -> None:
    _, (hop,) = classified(orjson.dumps({"prompt": "x", "deadline_ms": 5}), timestamp=1000)
    assert hop.verdict is not None
    assert hop.verdict.code == "deadline_exceeded"


@pytest.mark.parametrize(
    "value", [b"not json", b'{"prompt": "\xff"}', b"[1]", b"\xc3\x01abc", None]
)
def test_an_unreadable_value_is_dead_lettered_unchanged(value: bytes | None) -> None:
    world, hops = classified(value)
    assert hops == []
    (dead,) = world.log.of(dead_letter_topic(REQUESTS))
    assert dead.record.value == value
    assert dict(dead.record.headers)["dlq-source"] == b"llm.requests.v1:2:9"


def test_unreadable_bytes_with_a_correlation_id_get_an_error_reply() -> None:
    world, _ = classified(b"not json", headers={"correlation-id": "c9"})
    (reply,) = world.replies()
    assert reply["error"]["code"] == "invalid_request"
    assert world.log.of(REPLIES)[0].record.headers == [("correlation-id", b"c9")]


def test_a_reply_to_unreadable_bytes_that_its_topic_refuses_is_dead_lettered() -> None:
    headers = {"correlation-id": "c9", "reply-topic": "replies.mine"}
    world, _ = classified(b"not json", headers=headers, broken=["replies.mine"])

    (dead,) = world.log.of(dead_letter_topic(REPLIES))
    assert orjson.loads(dead.record.value or b"")["error"]["code"] == "invalid_request"
    assert dict(dead.record.headers)["dlq-cause"] == b"undeliverable"
    assert len(world.log.of(dead_letter_topic(REQUESTS))) == 1


@pytest.mark.parametrize(
    "topic",
    [
        "llm.requests.v1",
        "llm.events.cost.v1",
        "__consumer_offsets",
        "other.topic",
        "replies.x.dlq",
        "a b",
    ],
)
def test_a_forbidden_reply_topic_is_refused_to_the_default_one(topic: str) -> None:
    _, (hop,) = classified(orjson.dumps({"prompt": "x"}), headers={"reply-topic": topic})
    assert hop.verdict is not None
    assert (hop.verdict.code, hop.reply_to.topic) == ("reply_topic_forbidden", REPLIES)


@pytest.mark.parametrize("headers", [{"correlation-id": "c" * 1_025}, {"traceparent": "t" * 2_000}])
def test_a_header_that_is_too_long_is_no_fault_of_the_reply_topic(headers: dict[str, str]) -> None:
    _, (hop,) = classified(orjson.dumps({"prompt": "x"}), headers=headers)
    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"


def test_a_missing_reply_topic_is_refused_at_classification() -> None:
    _, (hop,) = classified(
        orjson.dumps({"prompt": "x"}), headers={"reply-topic": "replies.missing"}
    )
    assert hop.verdict is not None
    assert "does not exist" in hop.verdict.message


def test_spring_s_headers_are_honoured_and_echoed() -> None:
    _, (hop,) = classified(
        orjson.dumps({"prompt": "x"}),
        headers={"kafka_replyTopic": "replies.app", "kafka_correlationId": "c1", "other": "no"},
    )
    assert hop.reply_to.topic == "replies.app"
    assert [header.name for header in hop.reply_to.headers] == ["kafka_correlationId"]
    assert hop.reply_to.digest == reply_digest("replies.app", b"c1")


BOUND = {REQUESTS: None, "acme.requests": "acme"}


def test_a_tenant_with_a_topic_of_its_own_is_refused_on_others() -> None:
    document = {"prompt": "x", "tenant": "acme", "request_id": "r1"}
    _, (hop,) = classified(orjson.dumps(document), bound=BOUND)
    assert hop.verdict is not None
    assert hop.verdict.message == "tenant: requests of this tenant must use its own topic"
    # The rejection is not the end of the tenant's own request of that id.
    assert hop.tenant == "default"
    _, (own,) = classified(orjson.dumps(document), bound=BOUND, topic="acme.requests")
    assert (own.verdict, own.tenant) == (None, "acme")


@pytest.mark.parametrize("topic", [REQUESTS, "acme.requests"])
def test_a_tenant_s_reply_topic_is_open_to_its_own_topic_only(topic: str) -> None:
    _, (hop,) = classified(
        orjson.dumps({"prompt": "x"}),
        bound=BOUND,
        topic=topic,
        headers={"reply-topic": "replies.acme.orders"},
    )
    if topic == REQUESTS:
        assert hop.verdict is not None
        assert hop.verdict.code == "reply_topic_forbidden"
        assert hop.reply_to.topic == REPLIES
    else:
        assert hop.reply_to.topic == "replies.acme.orders"


def test_an_avro_request_is_read_and_answered_in_avro() -> None:
    fields = [field["name"] for field in whole_schema("Request")["fields"]]
    record = dict.fromkeys(fields) | {"prompt": "hi", "request_id": "avro-1", "feature": "faq"}
    _, (hop,) = classified(Codec("Request").encode(record))
    assert (hop.request_id, hop.feature, hop.reply_to.format) == ("avro-1", "faq", "single-object")


@pytest.mark.parametrize("name", ["models", "tools", "service_tier", "mcp_servers", "anything"])
@pytest.mark.parametrize("model", [None, "gpt-4o"])
def test_an_extra_body_parameter_that_no_model_accepts_is_refused_by_name(
    name: str, model: str | None
) -> None:
    value = orjson.dumps({"prompt": "x", "model": model, "extra_body": {"top_k": 1, name: 1}})
    _, (hop,) = classified(value)

    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"
    assert f"extra_body.{name}: " in hop.verdict.message
    assert (
        classified(orjson.dumps({"prompt": "x", "extra_body": {"top_k": 1}}))[1][0].verdict is None
    )
