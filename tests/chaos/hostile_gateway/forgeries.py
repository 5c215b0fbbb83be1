"""Forged requests and answers. Each returns what was seen, or raises `AssertionError`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import openai
import orjson
from aiokafka import AIOKafkaProducer, TopicPartition

from core.kafka.access import OPEN
from core.kafka.standalone.bounded_reading import read_from_begin
from core.kafka.standalone.librdkafka_consumer import standalone
from schemas.topics import GATEWAY_REPLIES, REPLIES, REQUESTS
from tests.chaos.hostile_gateway.target import (
    FORGED,
    FORGED_TEXT,
    HONEST,
    STORY,
    Target,
    until_status,
)

_GUESSES = 5_000
_AT_ONCE = 50
_REVOKED_S = 2.0
_REPLIED_S = 30.0


async def answers_with_events(target: Target) -> str:
    """An answer whose text looks like the end of a stream arrives as text, in both dialects."""
    chat = openai.AsyncOpenAI(base_url=f"{target.url}/v1", api_key=target.key)
    stream: Any = await chat.chat.completions.create(**target.body(FORGED, stream=True))
    got = "".join([each.choices[0].delta.content or "" async for each in stream if each.choices])
    assert got == FORGED_TEXT, got
    messages = anthropic.AsyncAnthropic(base_url=target.url, api_key=target.key)
    body: Any = {**target.body(FORGED), "max_tokens": 1000}
    del body["stream"]
    async with messages.messages.stream(**body) as events:
        assert await events.get_final_text() == FORGED_TEXT
    return "the text as it is, through both SDKs"


async def names_with_events(target: Target) -> str:
    """Names of models and tools with line ends add no line to an answer, and no header."""
    evil = "gpt-4o\n\ndata: [DONE]\n\n"
    function = {"name": evil, "parameters": {"type": "object", "properties": {}}}
    tool = {"type": "function", "function": function}
    bodies = (
        {**target.body(HONEST, stream=True), "model": evil},
        target.body(HONEST, stream=True, tools=[tool]),
        target.body(HONEST, stream=True, tools=[tool], tool_choice="required"),
    )
    seen = []
    async with httpx.AsyncClient(headers=target.headers, timeout=30) as client:
        for body in bodies:
            answer = await client.post(f"{target.url}/v1/chat/completions", json=body)
            seen.append(answer.status_code)
            assert answer.status_code in {200, 400, 404}, answer.status_code
            assert all("\n" not in value for value in answer.headers.values())
            if answer.status_code != 200:
                assert "\n" not in answer.text.strip(), answer.text
                continue
            *events, end = answer.text.strip().split("\n\n")
            assert end == "data: [DONE]", end
            for event in events:
                orjson.loads(event.removeprefix("data: "))
    return f"statuses {seen}; each stream has one end"


async def smuggled_fields(target: Target) -> str:
    """Own fields of Sluice are refused, at the top level and where SDKs merge `extra_body`."""
    fields: dict[str, Any] = {
        "tenant": "other",
        "priority": "high",
        "reply_topic": GATEWAY_REPLIES,
        "request_id": "r1",
        "tier": "simple",
        "max_cost_usd": 1,
        "extra_body": {"tenant": "other"},
        "x_sluice": {"tenant": "other"},
    }
    async with httpx.AsyncClient(headers=target.headers, timeout=30) as client:
        for name, value in fields.items():
            body = {**target.body(HONEST), name: value}
            answer = await client.post(f"{target.url}/v1/chat/completions", json=body)
            assert answer.status_code == 400, (name, answer.status_code, answer.text)
    return f"{len(fields)} fields refused with 400"


async def text_that_is_not_utf_8(target: Target) -> str:
    """Invalid bytes in a body are refused; those in headers and paths are a name like another."""
    body = orjson.dumps(target.body(HONEST)).replace(b"Kafka", b"\xff\xfe\xc3")
    url = f"{target.url}/v1/chat/completions"
    seen = []
    async with httpx.AsyncClient(headers=target.headers, timeout=30) as client:
        seen.append(await client.post(url, content=body))
        lone = orjson.dumps(target.body(HONEST)).replace(b"Kafka", b"\\ud800")
        seen.append(await client.post(url, content=lone))
        seen.append(
            await client.post(
                url, json=target.body(HONEST), headers=[(b"idempotency-key", b"\xff\xfe")]
            )
        )
        seen.append(await client.get(f"{target.url}/v1/models/%ff%fe"))
    statuses = [each.status_code for each in seen]
    assert statuses[:2] == [400, 400], statuses
    assert all(each < 500 for each in statuses), statuses
    return f"statuses {statuses}"


async def guessed_keys(target: Target) -> str:
    """Keys that were never created, and near misses of one that was."""
    seen: Counter[int] = Counter()
    turn = asyncio.Semaphore(_AT_ONCE)
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=30) as client:

        async def guess(key: str) -> None:
            async with turn:
                headers = {"authorization": f"Bearer {key}"}
                answer = await client.get(f"{target.url}/v1/models", headers=headers)
                seen[answer.status_code] += 1

        near = [f"{target.key[:-1]}{letter}" for letter in "abc" if letter != target.key[-1]]
        wrong = [target.key.upper(), target.key[:-1], f"{target.key} ", *near]
        wrong.remove(f"{target.key} ")
        tried = [*wrong, *(f"sk-sluice-{secrets.token_urlsafe(32)}" for _ in range(_GUESSES))]
        await asyncio.gather(*map(guess, tried))
    assert set(seen) == {401}, seen
    return f"{len(tried):,} keys refused, {len(tried) / (time.monotonic() - begun):.0f}/s"


async def a_revoked_key(target: Target) -> str:
    """A key that is revoked while its stream runs: the stream ends whole, a new request is refused
    within 2 s of the command's end.
    """
    key, key_id = await asyncio.to_thread(target.new_key)
    headers = {"authorization": f"Bearer {key}"}
    models = f"{target.url}/v1/models"
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        await until_status(client, models, 200)
        asked = client.stream(
            "POST", f"{target.url}/v1/chat/completions", json=target.body(STORY, stream=True)
        )
        async with asked as answer:
            assert answer.status_code == 200
            await asyncio.to_thread(target.sluice, "keys", "revoke", key_id)
            took = await until_status(client, models, 401)
            text = (await answer.aread()).decode()
    assert text.rstrip().endswith("data: [DONE]"), text[-200:]
    assert took <= _REVOKED_S, f"refused after {took:.2f} s"
    return f"refused {took:.2f} s after the command, its stream whole"


async def replies_to_the_gateway(target: Target) -> str:
    """A request of a Kafka caller that names the gateway's reply topic is refused there."""
    request_id = f"forged-{secrets.token_hex(8)}"
    value = orjson.dumps({"prompt": HONEST, "request_id": request_id, "tier": "simple"})
    headers = [("reply-topic", GATEWAY_REPLIES.encode()), ("reply-partition", b"0")]
    async with AIOKafkaProducer(bootstrap_servers=target.stack.bootstrap) as producer:
        await producer.send_and_wait(REQUESTS, value, headers=headers)
    async with asyncio.timeout(_REPLIED_S):
        while not (found := await _with(target, REPLIES, request_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    (reply,) = found
    assert reply["status"] != "replied", reply
    assert not await _with(target, GATEWAY_REPLIES, request_id)
    return f"{reply['status']}: {reply['error']['code']}"


async def _with(target: Target, topic: str, request_id: str) -> list[dict[str, Any]]:
    """The replies of a topic to a request."""
    async with standalone(OPEN.librdkafka_at(target.stack.bootstrap)) as consumer:
        places = [TopicPartition(topic, number) for number in range(target.stack.partitions)]
        return [
            orjson.loads(record.value or b"{}")
            async for records in read_from_begin(consumer, places)
            for record in records
            if request_id.encode() in (record.value or b"")
        ]


async def other_origins(target: Target) -> str:
    """A web page of another origin gets no permission."""
    headers = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    async with httpx.AsyncClient(timeout=30) as client:
        asked = await client.options(f"{target.url}/v1/chat/completions", headers=headers)
        read = await client.get(
            f"{target.url}/v1/models", headers={**target.headers, "origin": headers["origin"]}
        )
    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    return f"no CORS header; preflight {asked.status_code}"


FORGERIES: dict[str, Callable[[Target], Awaitable[str]]] = {
    "answers with events": answers_with_events,
    "names with events": names_with_events,
    "smuggled fields": smuggled_fields,
    "text that is not UTF-8": text_that_is_not_utf_8,
    "guessed keys": guessed_keys,
    "a revoked key": a_revoked_key,
    "replies to the gateway": replies_to_the_gateway,
    "other origins": other_origins,
}
