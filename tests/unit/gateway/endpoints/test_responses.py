"""`POST /v1/responses` over the log in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from openai.types.responses import Response

from core.kafka.producer import Outgoing
from schemas.gateway.headers import CALL_ID, SEQUENCE, GatewayHeaders
from schemas.topics import GATEWAY_REQUESTS
from tests.unit.gateway.world import GatewayWorld, failed, replied, sent

PATH = "/v1/responses"
HELLO: dict[str, Any] = {"model": "auto", "input": "Hello"}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def events_of(text: str) -> list[Any]:
    """The documents of a stream without its comments."""
    frames = [frame for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [orjson.loads(frame.partition("\ndata: ")[2]) for frame in frames]


def test_an_answer_has_the_vendors_form_and_says_how_it_came_about() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        body = {**HELLO, "metadata": {"a": "b"}, "instructions": "Be brief."}
        async with world.client() as client:
            answer = await client.post(PATH, json=body)
        assert answer.status_code == 200
        found = Response.model_validate(answer.json(), strict=True)
        assert found.output_text == "An answer."
        assert (found.status, found.model, found.object) == ("completed", "small", "response")
        assert (found.metadata, found.instructions) == ({"a": "b"}, "Be brief.")
        assert found.usage is not None
        assert found.usage.total_tokens == 15
        assert found.id.startswith("resp_")
        assert answer.headers["x-sluice-model"] == "small"
        assert sent(world)["messages"][0] == {"role": "system", "content": "Be brief."}

    run(scenario)


def test_numbers_with_digits_of_their_own_are_repeated() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        tool = (
            b'{"type": "function", "name": "f", "parameters": {"type": "object", "maximum": 1.10}}'
        )
        body = b'{"model": "auto", "input": "Hello", "temperature": 0.50, "tools": [' + tool + b"]}"
        async with world.client() as client:
            answer = await client.post(PATH, content=body)
        assert answer.status_code == 200
        assert answer.json()["temperature"] == 0.5
        assert answer.json()["tools"][0]["parameters"]["maximum"] == 1.1

    run(scenario)


def test_a_stream_has_the_vendors_events_and_no_done() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)

        def work(record: Outgoing) -> None:
            for number, text in enumerate(("An ", "ans")):
                headers = (CALL_ID, b"c1"), (SEQUENCE, str(number).encode())
                world.send(record, {"model": "small", "delta": {"content": text}}, *headers)
            world.send(record, replied(record))

        world.working = work
        async with world.client() as client:
            answer = await client.post(PATH, json={**HELLO, "stream": True})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "[DONE]" not in answer.text
        events = events_of(answer.text)
        assert [each["sequence_number"] for each in events] == list(range(len(events)))
        assert [each["type"].removeprefix("response.") for each in events] == [
            *("created", "in_progress", "output_item.added", "content_part.added"),
            *("output_text.delta", "output_text.delta", "output_text.delta", "output_text.done"),
            *("content_part.done", "output_item.done", "completed"),
        ]
        assert [each["delta"] for each in events if "delta" in each] == ["An ", "ans", "wer."]
        assert events[-1]["response"]["sluice"]["cost_usd"] == 0.000123456
        (record,) = (each for each in world.publisher.records if each.topic == GATEWAY_REQUESTS)
        assert GatewayHeaders.read(record.headers).stream  # type: ignore[union-attr]

    run(scenario)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_answer_has_the_vendors_status(stream: bool) -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda at: failed(at, "no_capacity", retryable=True))
        async with world.client() as client:
            answer = await client.post(PATH, json={**HELLO, "stream": stream})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_capacity")
        assert answer.headers["x-should-retry"] == "true"

    run(scenario)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": []}, "input"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"quality": "best"}, "quality"),
        ({"reasoning": {"effort": "none"}, "metadata": {"a": 1}}, "metadata.a"),
    ],
)
def test_a_refusal_names_the_field(change: dict[str, Any], param: str) -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret")
        async with world.client() as client:
            answer = await client.post(
                PATH, json={**HELLO, **change}, headers={"x-api-key": "secret"}
            )
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, param)
        assert error["type"] == "invalid_request_error"
        assert world.publisher.records == []

    run(scenario)


def test_an_idempotency_key_gives_the_same_response_again() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        headers = {"Idempotency-Key": "k"}
        async with world.client() as client:
            first = await client.post(PATH, json=HELLO, headers=headers)
            second = await client.post(PATH, json=HELLO, headers=headers)
        assert first.json() == second.json()
        assert sum(each.topic == GATEWAY_REQUESTS for each in world.publisher.records) == 1

    run(scenario)


def test_a_response_that_is_not_stored_is_not_recorded_and_not_found() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(PATH, json={**HELLO, "store": False})
            later = await client.get(f"{PATH}/{answer.json()['id']}")
        assert answer.json()["store"] is False
        assert [each.topic for each in world.publisher.records] == [GATEWAY_REQUESTS]
        assert later.status_code == 404

    run(scenario)
