"""Any provider response becomes an answer or a named error, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import orjson
import pytest
from aiohttp import web

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.answer_fields import (
    MAX_NAME_CHARACTERS,
    MAX_PARTS,
    MAX_TOKENS,
    MAX_TOOL_CALLS,
)
from streams.providers.port import ErrorClass, Usage
from streams.providers.pricing.price_list import PriceBook
from streams.providers.refusals.retry_after import LONGEST_PAUSE_S
from tests.unit.providers.pricing.test_prices import model
from tests.unit.providers.world import FORMATS, answering, good, is_class, raw_server, run, served

GIGABYTE = 1_000_000_000
MOST_MEMORY = 8 * MAX_ANSWER_BYTES


def openai(**changes: Any) -> dict[str, Any]:
    return {**good("openai"), **changes}


def answer_with(**message: Any) -> dict[str, Any]:
    document = good("openai")
    document["choices"][0]["message"].update(message)
    return document


@pytest.mark.parametrize("name", FORMATS)
def test_a_gigabyte_is_abandoned_at_the_limit_and_never_buffered(name: str) -> None:
    sent = 0
    gone = asyncio.Event()

    async def pour(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        chunk = b" " * 65_536
        try:
            while sent < GIGABYTE:
                await response.write(chunk)
                sent += len(chunk)
        except (ConnectionError, asyncio.CancelledError):
            pass
        gone.set()
        return response

    async def case() -> None:
        async with served(name, pour) as (wire, _):
            tracemalloc.start()
            try:
                error = await wire.refused()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert is_class(error, ErrorClass.BAD_RESPONSE)
            assert "larger than" in str(error)
            assert peak < MOST_MEMORY
            await asyncio.wait_for(gone.wait(), 10)

    run(case())
    assert sent < GIGABYTE / 10


def _packed(kind: str, body: bytes) -> bytes:
    fast = 1
    return gzip.compress(body, fast) if kind.endswith("gzip") else zlib.compress(body, fast)


@pytest.mark.parametrize("kind", ["gzip", "x-gzip", "deflate"])
def test_decompression_stops_at_the_limit(kind: str) -> None:
    async def case() -> None:
        bomb = _packed(kind, b" " * 200_000_000)
        async with served("openai", answering(bomb, headers={"content-encoding": kind})) as (
            wire,
            _,
        ):
            tracemalloc.start()
            try:
                error = await wire.refused()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert "larger than" in str(error)
            assert peak < MOST_MEMORY
        packed = _packed(kind, orjson.dumps(good("openai")))
        for body, works in ((packed, True), (packed[:-4], False), (b"{}", False)):
            handler = answering(body, headers={"content-encoding": kind})
            async with served("openai", handler) as (wire, _):
                if works:
                    assert (await wire.ask()).message["content"] == "Hello."
                else:
                    assert "compressed data is invalid" in str(await wire.refused())

    run(case())


@pytest.mark.parametrize("kind", ["gzip, gzip", "br", "zstd", "compress"])
def test_other_compressions_are_not_decompressed(kind: str) -> None:
    async def case() -> None:
        twice = gzip.compress(gzip.compress(b" " * 10_000_000))
        # `answering` would have aiohttp's server refuse what it can't pack itself.
        head = (
            f"HTTP/1.1 200 OK\r\ncontent-encoding: {kind}\r\ncontent-length: {len(twice)}\r\n\r\n"
        )
        async with raw_server("openai", head.encode() + twice) as wire:
            error = await wire.refused()
            assert is_class(error, ErrorClass.BAD_RESPONSE)
            assert "unsupported compression" in str(error)

    run(case())


def test_a_hundred_thousand_headers_are_no_answer() -> None:
    many = b"".join(b"x-%d: 1\r\n" % number for number in range(100_000))

    async def case() -> None:
        async with raw_server("openai", b"HTTP/1.1 200 OK\r\n" + many + b"\r\n{}") as wire:
            assert is_class(await wire.refused(), ErrorClass.BAD_RESPONSE)

    run(case())


def _deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


NO_ANSWERS: dict[str, bytes] = {
    "deep": b'{"choices":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "deep arguments": b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":'
    + _deep(500)
    + b"}}]}}]}",
    "not a number": b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":NaN}}',
    "half a character": b'{"choices":[{"message":{"content":"\\ud800"}}]}',
    "no UTF-8": b'{"choices":[{"message":{"content":"\xff"}}]}',
    "many tool calls": orjson.dumps(
        answer_with(tool_calls=[{"function": {"name": "f"}}] * (MAX_TOOL_CALLS + 1))
    ),
    "many texts": orjson.dumps(answer_with(content=["a"] * (MAX_PARTS + 1))),
    "many parts": orjson.dumps(
        answer_with(content=[{"type": "text", "text": "a"}] * (MAX_PARTS + 1))
    ),
    "ten megabytes of tool calls": orjson.dumps(
        answer_with(tool_calls=[{"function": {"name": "f", "arguments": "x" * 10_000_000}}])
    ),
}


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_hostile_json_is_no_answer(what: str) -> None:
    async def case() -> None:
        async with served("openai", answering(NO_ANSWERS[what])) as (wire, _):
            error = await wire.refused()
            assert is_class(error, ErrorClass.BAD_RESPONSE)
            assert "adapter failed" not in str(error)

    run(case())


def test_of_two_keys_of_one_name_one_counts() -> None:
    twice = orjson.dumps(good("openai")).replace(b'"content":', b'"content":"Bye.","content":')

    async def case() -> None:
        async with served("openai", answering(twice)) as (wire, _):
            assert (await wire.ask()).message["content"] == "Hello."

    run(case())


UNKNOWN: dict[str, dict[str, Any]] = {
    "missing": {},
    "no object": [],  # type: ignore[dict-item]
    "negative": {"prompt_tokens": -1, "completion_tokens": -5},
    "huge": {"prompt_tokens": MAX_TOKENS + 1, "completion_tokens": 2**60},
    "text": {"prompt_tokens": "10", "completion_tokens": "5"},
    "broken": {"prompt_tokens": 1.5, "completion_tokens": True},
    "nothing for something": {"prompt_tokens": 0, "completion_tokens": 0},
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_usage_that_can_t_be_true_is_unknown_and_has_no_cost(what: str) -> None:
    async def case() -> None:
        async with served("openai", answering(openai(usage=UNKNOWN[what]))) as (wire, _):
            usage = (await wire.ask()).usage
            assert (usage.input_tokens, usage.output_tokens) == (None, None)
            assert _cost(usage) is None

    run(case())


@pytest.mark.parametrize("what", ["negative", "huge", "text", "nothing for something"])
def test_anthropic_s_usage_is_checked_as_well(what: str) -> None:
    lie = UNKNOWN[what]
    usage = {"input_tokens": lie["prompt_tokens"], "output_tokens": lie["completion_tokens"]}

    async def case() -> None:
        document = {**good("anthropic"), "usage": usage}
        async with served("anthropic", answering(document)) as (wire, _):
            found = (await wire.ask()).usage
            assert (found.input_tokens, found.output_tokens) == (None, None)

    run(case())


def test_more_cached_than_there_were_is_no_cost_and_no_gain() -> None:
    lie = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 1_000_000},
        "completion_tokens_details": {"reasoning_tokens": 99},
    }

    async def case() -> None:
        async with served("openai", answering(openai(usage=lie))) as (wire, _):
            usage = (await wire.ask()).usage
            assert _cost(usage) is None
            assert usage.reasoning_tokens is None

    run(case())


def _cost(usage: Usage) -> int | None:
    cost, _ = PriceBook().cost_of(model("gpt-4o"), usage)
    return cost


def test_overlong_names_do_not_enter_events() -> None:
    long = "x" * (MAX_NAME_CHARACTERS + 1)

    async def case() -> None:
        document = openai(model=long, id=long, service_tier=long)
        async with served("openai", answering(document)) as (wire, _):
            answer = await wire.ask()
            assert (answer.response_model, answer.response_id) == (None, None)
            assert answer.usage.service_tier is None

    run(case())


@pytest.mark.parametrize("code", [2**40, 999, -1, True])
def test_an_invalid_status_is_an_error(code: Any) -> None:
    async def case() -> None:
        async with served("openai", answering({"error": {"code": code}})) as (wire, _):
            assert (await wire.refused()).status == 500

    run(case())


@pytest.mark.parametrize(
    "retry_after",
    ["1e300", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 99 Foo 99999 99:99:99", "inf"],
)
def test_no_provider_disables_itself_permanently(retry_after: str) -> None:
    async def case() -> None:
        limited = answering({"error": {}}, 429, {"retry-after": retry_after})
        async with served("openai", limited, now_s=0.0) as (wire, _):
            error = await wire.refused()
            assert is_class(error, ErrorClass.RATE_LIMITED)
            assert error.retry_after_s is None or error.retry_after_s <= LONGEST_PAUSE_S

    run(case())
