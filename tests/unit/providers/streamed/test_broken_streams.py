"""A stream that breaks, lies or does not end is an error of its class, within bounds."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest
from aiohttp import web

from infra.simulator.faults import InjectedFault
from schemas.topics import MAX_ANSWER_BYTES
from streams.providers import answer_stream
from streams.providers.answer_fields import MAX_PARTS, MAX_TOOL_CALLS
from streams.providers.port import AnswerDelta, ErrorClass, ProviderError, Timeouts
from streams.providers.pricing.booked_usage import cost_without_usage
from tests.unit.providers.streamed import test_anthropic_streams as anthropic
from tests.unit.providers.streamed.test_openai_streams import COUNTED, DONE, TEXT, call, chunk
from tests.unit.providers.world import (
    FORMATS,
    Handler,
    frames,
    is_class,
    run,
    served,
    simulated,
    streaming,
)

WHOLE = {
    "openai": TEXT,
    "anthropic": [anthropic.start(), *anthropic.text(0, "Hel", "lo."), *anthropic.end()],
}
UNTIL_USAGE = {"openai": 5, "anthropic": -1}
"""How many events there are up to the final usage."""


def break_(name: str, handler: Handler, **more: Any) -> tuple[ProviderError, list[AnswerDelta]]:
    async def case() -> Any:
        async with served(name, handler) as (wire, _):
            return await wire.broken(**more)

    found: tuple[ProviderError, list[AnswerDelta]] = run(case())
    return found


def cutting(body: bytes) -> Handler:
    """A handler that sends these bytes of a stream and closes the connection."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(body)
        assert request.transport is not None
        request.transport.close()
        return response

    return handle


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_that_is_cut_after_any_event_is_an_error_with_unknown_cost(name: str) -> None:
    whole = WHOLE[name]
    for number in range(len(whole) - 1):
        error, _ = break_(name, cutting(frames(*whole[:number])))
        assert is_class(error, ErrorClass.BAD_RESPONSE), number
        if number >= UNTIL_USAGE[name] % len(whole):
            assert error.usage == COUNTED
        else:
            assert error.usage is None
            assert cost_without_usage(error) == (None, None)


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_that_ends_early_is_an_error(name: str) -> None:
    whole = WHOLE[name]
    # OpenAI's answer is whole from its finish reason on, though some servers send no last event.
    for number in range(3 if name == "openai" else len(whole) - 1):
        error, _ = break_(name, streaming(frames(*whole[:number])))
        assert is_class(error, ErrorClass.BAD_RESPONSE), number
        assert "cut off" in str(error)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("cut", ErrorClass.BAD_RESPONSE),
        ("bad_json", ErrorClass.BAD_RESPONSE),
        ("giant", ErrorClass.BAD_RESPONSE),
        ("stall", ErrorClass.TIMEOUT),
        ("hang", ErrorClass.TIMEOUT),
        ("disconnect", ErrorClass.CONNECTION),
        ("status", ErrorClass.SERVER),
        ("rate_limit", ErrorClass.RATE_LIMITED),
        ("overloaded", ErrorClass.OVERLOADED),
        ("context_length", ErrorClass.CONTEXT_LENGTH),
        ("redirect", ErrorClass.BAD_RESPONSE),
    ],
)
def test_each_fault_of_a_provider_has_its_class(name: str, fault: str, wanted: ErrorClass) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            assert wire.running is not None
            wire.running.faults.replace([InjectedFault(kind=fault)])
            error, parts = await wire.broken(timeouts=Timeouts(connect=5, read=0.2, total=30))
            assert is_class(error, wanted), str(error)
            begun = fault in {"cut", "bad_json", "giant", "stall"}
            assert bool(parts) is begun
            assert error.usage is None
            if begun:
                assert cost_without_usage(error) == (None, None)
                assert wire.running.ledger.totals()["cost_nano"] > 0

    run(case())


def test_an_error_event_in_the_middle_has_its_class_and_an_unknown_cost() -> None:
    async def case() -> None:
        for name, wanted in (
            ("openai", ErrorClass.SERVER),
            ("anthropic", ErrorClass.OVERLOADED),
        ):
            async with simulated(name) as wire:
                assert wire.running is not None
                wire.running.faults.replace([InjectedFault(kind="error_event")])
                error, parts = await wire.broken()
                assert is_class(error, wanted)
                assert parts
                assert cost_without_usage(error) == (None, None)

    run(case())


ERRORS: dict[str, tuple[Any, ErrorClass]] = {
    "OpenRouter": (
        {"id": "x", "error": {"code": 429, "message": "Hi"}, "choices": [
            {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]},
        ErrorClass.RATE_LIMITED,
    ),
    "vLLM": (
        {"error": {"message": "Hi", "type": "BadRequestError", "code": 400}},
        ErrorClass.BAD_REQUEST,
    ),
    "in a choice": (
        {"choices": [{"index": 0, "delta": {}, "error": {"code": 503, "message": "Hi"}}]},
        ErrorClass.OVERLOADED,
    ),
    "as text": ({"error": "Hi: content policy"}, ErrorClass.CONTENT_FILTER),
}  # fmt: skip


@pytest.mark.parametrize("server", ERRORS)
def test_errors_inside_streams_of_other_servers(server: str) -> None:
    event, wanted = ERRORS[server]
    for events in ([event], [*TEXT[:2], event]):
        error, _ = break_("openai", streaming(frames(*events)))
        assert is_class(error, wanted)
        assert (error.status, error.usage) == (200, None)


def test_an_event_named_error_is_an_error() -> None:
    body = frames(*TEXT[:2]) + b'event: error\ndata: {"message": "Hi", "code": 503}\n\n'
    error, _ = break_("openai", streaming(body))
    assert is_class(error, ErrorClass.OVERLOADED)


@pytest.mark.parametrize("limit", ["read", "total"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_that_waits_too_long_is_a_timeout(name: str, limit: str) -> None:
    short = Timeouts(connect=5, read=0.1 if limit == "read" else 30, total=30)

    async def case() -> None:
        async with simulated(name) as wire:
            assert wire.running is not None
            wire.running.faults.replace([InjectedFault(kind="stall")])
            timeouts = short if limit == "read" else Timeouts(connect=5, read=30, total=0.3)
            error, parts = await wire.broken(timeouts=timeouts)
            assert is_class(error, ErrorClass.TIMEOUT)
            assert parts

    run(case())


def pouring(start: bytes, piece: bytes) -> tuple[Handler, list[int]]:
    """A handler whose stream never ends, and the bytes that it sent."""
    sent = [0]

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(start)
            while sent[0] < 200_000_000:
                await response.write(piece)
                sent[0] += len(piece)
        except ConnectionError:
            pass
        return response

    return handle, sent


ENDLESS: dict[str, tuple[str, bytes, bytes]] = {
    "a line": ("openai", b"data: ", b"x" * 65_536),
    "white space": ("openai", b"", b" " * 65_536),
    "data lines": ("openai", b"", (b"data: " + b"x" * 100 + b"\n") * 600),
    "comments": ("openai", frames(*TEXT[:2]), (b":" + b"x" * 300 + b"\n\n") * 200),
    "pings": ("anthropic", frames(anthropic.start()), frames({"type": "ping"}) * 1_000),
    "words": ("openai", b"", frames(chunk(content="x" * 1_000)) * 50),
    "reasoning": ("openai", b"", frames(chunk(reasoning_content="x" * 1_000)) * 50),
    "arguments": ("openai", frames(chunk(tool_calls=[call(0, id="a", name="f")])),
                  frames(chunk(tool_calls=[call(0, "x" * 1_000)])) * 50),
    "log probabilities": ("openai", b"", frames({"choices": [{"index": 0, "delta": {},
                          "logprobs": {"content": [{"token": "x", "logprob": -1}] * 100}}]}) * 50),
    "text": ("anthropic", frames(anthropic.start(), *anthropic.text(0)[:1]),
             frames(anthropic.text(0, "x" * 1_000)[1]) * 50),
    "citations": ("anthropic", frames(anthropic.start(), *anthropic.text(0)[:1]),
                  frames({"type": "content_block_delta", "index": 0, "delta": {
                      "type": "citations_delta", "citation": {"cited_text": "x" * 1_000}}}) * 50),
    "usage": ("anthropic", b"", frames(anthropic.end()[0]) * 1_000),
}  # fmt: skip


@pytest.mark.parametrize("what", ENDLESS)
def test_a_stream_without_an_end_is_left_in_bounded_memory(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bounds on the frame around tokens are large; smaller ones show the same in less time.
    monkeypatch.setattr(answer_stream, "MAX_STREAM_BYTES", 4 * MAX_ANSWER_BYTES)
    monkeypatch.setattr(answer_stream, "MAX_EVENTS", 10_000)
    name, start, piece = ENDLESS[what]
    handler, sent = pouring(start, piece)
    tracemalloc.start()
    try:
        error, _ = break_(name, handler, timeouts=Timeouts(connect=5, read=30, total=60))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert is_class(error, ErrorClass.BAD_RESPONSE), str(error)
    assert peak < 20 * MAX_ANSWER_BYTES
    assert sent[0] < 10 * 4 * MAX_ANSWER_BYTES


def test_calls_and_blocks_are_limited_in_number() -> None:
    calls = [chunk(tool_calls=[call(number, "{}", id=str(number), name="f")])
             for number in range(MAX_TOOL_CALLS + 1)]  # fmt: skip
    error, _ = break_("openai", streaming(frames(*calls)))
    assert "tool calls" in str(error)
    blocks = [anthropic.text(number)[0] for number in range(MAX_PARTS + 1)]
    error, _ = break_("anthropic", streaming(frames(anthropic.start(), *blocks)))
    assert "parts" in str(error)


MALFORMED: dict[str, tuple[str, list[Any]]] = {
    "no JSON": ("openai", [b"{"]),
    "no object": ("openai", [b"[1]"]),
    "invalid UTF-8": ("openai", [b'{"choices": [{"delta": {"content": "\xff"}}]}']),
    "calls that are no list": ("openai", [chunk(tool_calls={"a": 1})]),
    "a call that is no object": ("openai", [chunk(tool_calls=["a"])]),
    "content that is no text": ("openai", [chunk(content=5)]),
    "arguments that are no text": ("openai", [chunk(tool_calls=[call(0, 5, name="f")])]),
    "only [DONE]": ("openai", [DONE]),
    "no choice": ("openai", [{"choices": "x"}, {"choices": [5]}, DONE]),
    "a delta of no block": ("anthropic", [anthropic.start(), anthropic.text(0, "x")[1]]),
    "a block twice": ("anthropic", [anthropic.start(), *anthropic.text(0)[:1] * 2]),
    "a block without a number": ("anthropic", [{"type": "content_block_start", "index": "x"}]),
    "no message": ("anthropic", [{"type": "message_stop"}]),
    "nested deeply": (
        "openai",
        [chunk(content="x", extra_content={"a": 1}), b'{"choices": [{"index": 0, "delta": '
         b'{"extra_content": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}}]}", chunk("stop"), DONE],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_stream_is_a_bad_response(what: str) -> None:
    name, events = MALFORMED[what]
    error, _ = break_(name, streaming(frames(*events)))
    assert is_class(error, ErrorClass.BAD_RESPONSE), str(error)


def test_an_answer_is_streamed_up_to_the_limit_and_not_beyond() -> None:
    def answer(size: int) -> Handler:
        words = frames(chunk(content="x" * 1_000)) * (size // 1_000)
        return streaming(words, frames(*TEXT[3:]))

    async def case() -> None:
        async with served("openai", answer(MAX_ANSWER_BYTES - 10_000)) as (wire, _):
            assert len((await wire.stream())[0].message["content"]) > MAX_ANSWER_BYTES - 20_000
        async with served("openai", answer(MAX_ANSWER_BYTES + 1_000)) as (wire, _):
            assert "larger than" in str((await wire.broken())[0])

    run(case())


def test_a_sink_that_raises_is_a_fault_of_the_adapter() -> None:
    def fail(_: AnswerDelta) -> None:
        raise OSError("a defect of the sink")

    async def case() -> None:
        async with served("openai", streaming(frames(*TEXT))) as (wire, _):
            with pytest.raises(ProviderError) as caught:
                await wire.stream(on_delta=fail)
            assert caught.value.error_class is ErrorClass.ADAPTER_FAULT
            assert cost_without_usage(caught.value) == (None, None)

    run(case())


def test_connections_are_used_again_after_a_stream() -> None:
    ports: set[Any] = set()

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return await streaming(frames(*TEXT))(request)

    async def case() -> None:
        async with served("openai", note) as (wire, _):
            for _ in range(5):
                await wire.stream()

    run(case())
    assert len(ports) == 1


def test_a_body_that_stays_open_after_its_last_event_does_not_delay_the_answer() -> None:
    async def hold(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(frames(*TEXT))
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b": still here\n\n")
            await asyncio.sleep(0.001)
        return response

    async def case() -> None:
        async with served("openai", hold) as (wire, _):
            short = Timeouts(connect=5, read=5, total=5)
            assert (await wire.stream(timeouts=short))[0].message["content"] == "Hello."

    run(case())
