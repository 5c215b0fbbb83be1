"""`POST /v1/messages` and `/v1/messages/count_tokens` over the log in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from anthropic.types import Message
from anthropic.types.shared import ErrorResponse

from schemas.errors import KafkaAwayError
from schemas.topics import MAX_REQUEST_BYTES
from tests.unit.gateway.world import GatewayWorld, failed, replied, sent

MESSAGES = "/v1/messages"
COUNT = f"{MESSAGES}/count_tokens"
VERSION = {"anthropic-version": "2023-06-01"}
HELLO: dict[str, Any] = {
    "model": "auto",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello"}],
}
LOOK = {
    "id": "call.1:x",
    "type": "function",
    "function": {"name": "look", "arguments": '{"amount":1.10,"order":123456789012345678901}'},
}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def frames_of(text: str) -> list[tuple[str, Any]]:
    """The names and documents of a stream's events."""
    lines = [frame.split("\n") for frame in text.split("\n\n") if frame]
    return [(name[7:], orjson.loads(data[6:])) for name, data in lines]


@pytest.mark.parametrize(
    ("more", "reason", "sequence"),
    [
        ({"stop_sequence": "END"}, "stop_sequence", "END"),
        ({"stop_sequence": "END", "finish_reason": "length"}, "max_tokens", None),
        ({}, "end_turn", None),
    ],
)
def test_the_stop_sequence_is_named_plain_and_streamed(
    more: dict[str, Any], reason: str, sequence: str | None
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(answering=lambda record: replied(record, **more))
        async with world.client() as client:
            plain = (await client.post(MESSAGES, json=HELLO)).json()
            streamed = await client.post(MESSAGES, json={**HELLO, "stream": True})
        delta = next(each["delta"] for name, each in frames_of(streamed.text)
                     if name == "message_delta")  # fmt: skip
        for found in (plain, delta):
            assert (found["stop_reason"], found["stop_sequence"]) == (reason, sequence)

    run(scenario)


def test_an_answer_has_anthropics_form() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(MESSAGES, json=HELLO, headers=VERSION)
        body = answer.json()
        message = Message.model_validate(body, strict=True)
        assert answer.status_code == 200
        assert answer.headers["request-id"] == answer.headers["x-sluice-request-id"]
        assert message.id == f"msg_{answer.headers['request-id']}"
        assert body["content"] == [{"type": "text", "text": "An answer.", "citations": None}]
        assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
        assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 5)
        assert message.usage.service_tier == "standard"
        assert "x-sluice-usage" not in answer.headers
        assert sent(world)["native"] == {
            "dialect": "anthropic-messages", "body": HELLO, "required": False,
        }  # fmt: skip

    run(scenario)


def test_a_tool_call_keeps_its_digits_and_gets_an_id_that_anthropic_accepts() -> None:
    async def scenario() -> None:
        message = {"role": "assistant", "content": None, "tool_calls": [LOOK]}
        world = GatewayWorld(lambda at: replied(at, message=message, finish_reason="tool_calls"))
        async with world.client() as client:
            answer = await client.post(MESSAGES, json=HELLO)
        body = answer.json()
        assert b'"input":{"amount":1.10,"order":123456789012345678901}' in answer.content
        assert body["content"][0]["id"] == "call_1_x"
        assert body["stop_reason"] == "tool_use"

    run(scenario)


@pytest.mark.parametrize(
    ("message", "finish_reason", "blocks", "stop_reason"),
    [
        ({"content": "cut"}, "length", ["text"], "max_tokens"),
        ({"content": None, "refusal": "No."}, "stop", ["text"], "refusal"),
        ({"content": None}, "content_filter", [], "refusal"),
        ({"content": "a", "reasoning_content": "so"}, "stop", ["thinking", "text"], "end_turn"),
        ({"content": "a", "reasoning": "so"}, "stop", ["thinking", "text"], "end_turn"),
    ],
)
def test_an_answers_end_has_anthropics_reason(
    message: dict[str, Any], finish_reason: str, blocks: list[str], stop_reason: str
) -> None:
    async def scenario() -> None:
        whole = {"role": "assistant", **message}
        world = GatewayWorld(lambda at: replied(at, message=whole, finish_reason=finish_reason))
        async with world.client() as client:
            body = (await client.post(MESSAGES, json=HELLO)).json()
        Message.model_validate(body, strict=True)
        assert [block["type"] for block in body["content"]] == blocks
        assert body["stop_reason"] == stop_reason

    run(scenario)


@pytest.mark.parametrize("arguments", ['{"a": ', "[1.10]", '"x"'])
def test_arguments_that_are_no_object_are_a_text_or_value_within_one(arguments: str) -> None:
    async def scenario() -> None:
        call = {**LOOK, "function": {"name": "look", "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        world = GatewayWorld(lambda at: replied(at, message=message, finish_reason="length"))
        async with world.client() as client:
            body = (await client.post(MESSAGES, json=HELLO)).json()
        Message.model_validate(body, strict=True)
        assert body["content"][0]["input"].keys() == {"arguments"}
        assert body["stop_reason"] == "max_tokens"

    run(scenario)


def test_unknown_usage_is_0_and_said_to_be_unknown() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda at: replied(at, usage=None, cost_usd=None))
        async with world.client() as client:
            answer = await client.post(MESSAGES, json=HELLO)
        body = answer.json()
        assert body["usage"]["input_tokens"] == body["usage"]["output_tokens"] == 0
        assert answer.headers["x-sluice-usage"] == "unknown"
        assert answer.headers["x-sluice-cost-usd"] == "unknown"
        assert body["sluice"]["usage_reported"] is False

    run(scenario)


def test_a_stream_has_named_events_and_the_request_id() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(MESSAGES, json={**HELLO, "stream": True})
        frames = frames_of(answer.text)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["request-id"] == answer.headers["x-sluice-request-id"]
        assert [name for name, _ in frames] == [
            "message_start", "content_block_start", "content_block_delta", "content_block_stop",
            "message_delta", "message_stop",
        ]  # fmt: skip
        assert all(name == document["type"] for name, document in frames)

    run(scenario)


@pytest.mark.parametrize(
    ("code", "retryable", "status", "kind"),
    [
        ("invalid_request", False, 400, "invalid_request_error"),
        ("too_large", False, 413, "request_too_large"),
        ("content_filtered", False, 400, "invalid_request_error"),
        ("budget_exceeded", True, 429, "rate_limit_error"),
        ("no_capacity", True, 529, "overloaded_error"),
        ("deadline_exceeded", True, 504, "timeout_error"),
        ("all_models_failed", True, 502, "api_error"),
        ("duplicate_request", True, 409, "invalid_request_error"),
        ("something_new", False, 500, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_has_anthropics_status_type_and_our_code(
    code: str, retryable: bool, status: int, kind: str, stream: bool
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda at: failed(at, code, retryable=retryable))
        async with world.client() as client:
            answer = await client.post(MESSAGES, json={**HELLO, "stream": stream})
        body = answer.json()
        assert answer.status_code == status
        assert body["type"] == "error"
        assert (body["error"]["type"], body["error"]["code"]) == (kind, code)
        assert body["error"]["details"]["error_code"] == code
        assert body["request_id"] == answer.headers["request-id"]
        assert answer.headers["x-should-retry"] == str(retryable).lower()
        assert ("retry-after" in answer.headers) is retryable

    run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "kind"),
    [
        ("GET", MESSAGES, {}, 405, "invalid_request_error"),
        ("POST", f"{MESSAGES}/batches", {}, 404, "not_found_error"),
        ("GET", "/v1/files", VERSION, 404, "not_found_error"),
        ("POST", "/v1/feedback", VERSION, 400, "invalid_request_error"),
        ("GET", "/v1/models/none", VERSION, 404, "not_found_error"),
        ("POST", MESSAGES, {"origin": "https://evil.example"}, 403, "permission_error"),
        ("POST", COUNT, {}, 400, "invalid_request_error"),
    ],
)
def test_an_error_outside_of_an_answer_has_anthropics_form(
    method: str, path: str, headers: dict[str, str], status: int, kind: str
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(settings={"gateway_aliases": "gpt-*=auto"})
        async with world.client() as client:
            answer = await client.request(method, path, headers=headers)
        assert answer.status_code == status
        body = ErrorResponse.model_validate(answer.json())
        assert answer.json()["error"]["type"] == kind
        assert body.request_id is None

    run(scenario)


def test_other_clients_get_openais_errors() -> None:
    async def scenario() -> None:
        async with GatewayWorld().client() as client:
            answer = await client.get("/v1/files")
        assert "type" not in answer.json()
        assert answer.json()["error"]["code"] == "not_found"

    run(scenario)


def test_kafka_away_and_a_crowd_are_told_apart() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        world.publisher.fault = KafkaAwayError("Kafka does not answer")
        async with world.client() as client:
            away = await client.post(MESSAGES, json=HELLO)
        assert (away.status_code, away.json()["error"]["type"]) == (503, "api_error")
        assert away.json()["error"]["code"] == "kafka_unavailable"
        published = asyncio.Event()
        crowded = GatewayWorld(
            answering=lambda _: published.set(), settings={"gateway_max_waiting": 1}
        )
        async with crowded.client() as client:
            first = asyncio.create_task(client.post(MESSAGES, json=HELLO))
            await published.wait()
            answer = await client.post(MESSAGES, json=HELLO)
            first.cancel()
        assert answer.status_code == 529
        assert answer.json()["error"]["type"] == "overloaded_error"
        assert answer.json()["error"]["code"] == "gateway_overloaded"

    run(scenario)


def test_a_keys_limit_has_anthropics_headers_also_where_it_refuses() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", requests_per_minute=2)
        key = {"x-api-key": "secret"}
        async with world.client() as client:
            first = await client.post(MESSAGES, json=HELLO, headers=key)
            await client.post(MESSAGES, json=HELLO, headers=key)
            third = await client.post(MESSAGES, json=HELLO, headers=key)
            counted = await client.post(COUNT, json=HELLO, headers=key)
        name = "anthropic-ratelimit-requests"
        assert first.headers[f"{name}-limit"] == "2"
        assert first.headers[f"{name}-remaining"] == "1"
        assert first.headers[f"{name}-reset"] == "2027-01-15T08:00:30Z"
        assert third.status_code == 429
        assert third.headers[f"{name}-remaining"] == "0"
        assert third.headers["retry-after"] == "30"
        assert not [each for each in first.headers if each.startswith("x-ratelimit")]
        assert (counted.status_code, counted.headers[f"{name}-remaining"]) == (200, "1")

    run(scenario)


def test_the_vendors_body_is_left_out_if_the_request_is_too_large_with_it() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        source = {"type": "base64", "media_type": "image/png", "data": "a" * 3_000_000}
        turn = {"role": "user", "content": [{"type": "image", "source": source}]}
        large = {**HELLO, "messages": [turn]}
        cited = {"type": "document", "source": {**source, "media_type": "application/pdf"}}
        needed = {**HELLO, "messages": [{"role": "user", "content": [turn["content"][0], cited]}]}
        async with world.client() as client:
            answer = await client.post(MESSAGES, json=large)
            refused = await client.post(MESSAGES, json=needed)
        assert answer.status_code == 200
        assert "native" not in sent(world)
        assert len(world.publisher.records[-1].value or b"") < MAX_REQUEST_BYTES
        assert refused.status_code == 413
        assert refused.json()["error"]["type"] == "request_too_large"

    run(scenario)


def test_tokens_are_estimated_without_max_tokens_and_without_a_request() -> None:
    async def scenario() -> None:
        world = GatewayWorld(settings={"gateway_aliases": "gpt-*=auto"})
        short = {"model": "auto", "messages": HELLO["messages"]}
        long = {**short, "system": "word " * 1000}
        async with world.client() as client:
            few = (await client.post(COUNT, json=short)).json()
            many = (await client.post(COUNT, json=long)).json()
            unknown = await client.post(COUNT, json={**short, "model": "claude"})
        assert few.keys() == {"input_tokens"}
        assert few["input_tokens"] < 20
        assert 900 < many["input_tokens"] < 2000
        assert unknown.status_code == 404
        assert not world.publisher.records

    run(scenario)
