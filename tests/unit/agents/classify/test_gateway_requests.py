"""Requests of HTTP gateways: what their topic's headers are trusted for, and nobody else's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.gateway.cancellation import cancellation_value, is_cancellation
from schemas.gateway.headers import CANCELS_UNTIL
from schemas.records import TierMessage
from schemas.topics import GATEWAY_REPLIES, GATEWAY_REQUESTS, REPLIES, REQUESTS
from tests.unit.agents.classify.test_classify import classified

STATED = {"sluice-tenant": "acme", "sluice-key-id": "k1", "correlation-id": "c1"}
NATIVE = {"dialect": "anthropic-messages", "body": {"max_tokens": 1}}


def hop_of(topic: str, headers: dict[str, str], **document: Any) -> TierMessage:
    value = orjson.dumps({"prompt": "Hello", "request_id": "r1", **document})
    _, (hop,) = classified(
        value, topic=topic, headers=headers, bound={REQUESTS: None, GATEWAY_REQUESTS: None}
    )
    return hop


def test_the_tenant_of_a_gateways_request_is_that_of_its_headers() -> None:
    hop = hop_of(GATEWAY_REQUESTS, STATED, tenant="acme")
    assert (hop.tenant, hop.verdict) == ("acme", None)
    assert hop.reply_to.topic == GATEWAY_REPLIES
    assert not hop.stream


def test_a_gateway_may_ask_for_the_answer_in_parts() -> None:
    assert hop_of(GATEWAY_REQUESTS, {**STATED, "sluice-stream": "1"}).stream


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sluice-tenant": "acme"},
        {"sluice-key-id": "k1"},
        {**STATED, "sluice-tenant": "a/b"},
        {**STATED, "sluice-tenant": ""},
        {**STATED, "sluice-key-id": "é"},
    ],
)
def test_a_record_that_states_no_tenant_is_rejected(headers: dict[str, str]) -> None:
    hop = hop_of(GATEWAY_REQUESTS, headers)
    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"


def test_another_tenant_in_the_body_than_in_the_headers_is_rejected() -> None:
    hop = hop_of(GATEWAY_REQUESTS, STATED, tenant="globex")
    assert hop.tenant == "acme"
    assert hop.verdict is not None


def test_a_reply_topic_that_a_gateways_request_names_is_ignored() -> None:
    hop = hop_of(GATEWAY_REQUESTS, {**STATED, "reply-topic": "replies.orders"})
    assert hop.reply_to.topic == GATEWAY_REPLIES


def test_a_callers_headers_state_no_tenant() -> None:
    hop = hop_of(REQUESTS, STATED)
    assert (hop.tenant, hop.stream, hop.reply_to.topic) == ("default", False, REPLIES)


@pytest.mark.parametrize(("value", "stream"), [("1", True), ("0", False), ("true", False)])
def test_any_caller_may_ask_for_parts_on_its_own_reply_topic(value: str, stream: bool) -> None:
    hop = hop_of(REQUESTS, {"sluice-stream": value})
    assert (hop.stream, hop.reply_to.topic) == (stream, REPLIES)


def test_a_caller_may_not_name_the_gateways_reply_topic() -> None:
    hop = hop_of(REQUESTS, {"reply-topic": GATEWAY_REPLIES})
    assert hop.verdict is not None
    assert hop.verdict.code == "reply_topic_forbidden"
    assert hop.reply_to.topic == REPLIES


def test_a_native_body_is_a_gateways_alone() -> None:
    assert hop_of(GATEWAY_REQUESTS, STATED, native=NATIVE).verdict is None
    refused = hop_of(REQUESTS, {}, native=NATIVE).verdict
    assert refused is not None
    assert refused.message.startswith("native:")


def test_a_cancellation_becomes_a_verdict_until_the_requests_deadline() -> None:
    value = cancellation_value("acme", "r1")
    assert is_cancellation(value)
    headers = {**STATED, CANCELS_UNTIL: "1700000000000"}
    _, (hop,) = classified(
        value, topic=GATEWAY_REQUESTS, headers=headers, bound={GATEWAY_REQUESTS: None}
    )
    assert hop.verdict is not None
    assert (hop.verdict.code, hop.deadline_at) == ("cancelled", 1_700_000_000_000)
    assert hop.key == b"acme/r1"
    request = hop_of(GATEWAY_REQUESTS, STATED)
    assert hop.reply_to.digest == request.reply_to.digest


@pytest.mark.parametrize("until", ["", "x", "-1", "1" * 30])
def test_a_cancellation_without_a_time_is_an_incomplete_request(until: str) -> None:
    value = cancellation_value("acme", "r1")
    _, (hop,) = classified(
        value,
        topic=GATEWAY_REQUESTS,
        headers={**STATED, CANCELS_UNTIL: until},
        bound={GATEWAY_REQUESTS: None},
    )
    assert hop.verdict is not None
    assert hop.verdict.code == "invalid_request"


def test_only_gateways_cancel() -> None:
    value = cancellation_value("acme", "r1")
    headers = {**STATED, CANCELS_UNTIL: "1700000000000"}
    for topic, kept in ((REQUESTS, headers), (GATEWAY_REQUESTS, {CANCELS_UNTIL: "1700000000000"})):
        _, (hop,) = classified(
            value, topic=topic, headers=kept, bound={REQUESTS: None, GATEWAY_REQUESTS: None}
        )
        assert hop.verdict is not None
        assert hop.verdict.code == "invalid_request"
