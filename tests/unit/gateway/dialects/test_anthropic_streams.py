"""Streams of Anthropic's messages, read by Anthropic's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest
from anthropic import Anthropic, APIStatusError
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.errors import AnswerChangedError
from schemas.records import Reply, ReplyUsage
from streams.client.answer_parts import AnswerPart
from streams.gateway.dialects.answer import AnsweredRequest
from streams.gateway.dialects.anthropic.answer import message_body
from streams.gateway.dialects.anthropic.stream import MessageEvents
from streams.gateway.endpoints.failures import http_error
from streams.gateway.errors import HttpError
from tests.unit.gateway.world import BEGUN

USAGE = ReplyUsage(
    input_tokens=120, output_tokens=30, cache_read_tokens=100, cache_write_tokens=5,
    reasoning_tokens=7,
)  # fmt: skip
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SOME_TEXT = TEXTS.filter(bool)
INPUTS = st.dictionaries(SOME_TEXT, st.integers() | TEXTS | st.booleans() | st.none(), max_size=3)
CALLS = st.lists(st.builds(lambda name, given: (name, orjson.dumps(given).decode()),
    st.sampled_from(["look", "set_date"]), INPUTS), max_size=3)  # fmt: skip
SIGNED = st.builds(
    lambda text, signature: {"type": "thinking", "thinking": text, "signature": signature},
    SOME_TEXT,
    SOME_TEXT,
)
REDACTED = st.builds(lambda data: {"type": "redacted_thinking", "data": data}, SOME_TEXT)


DIRECT = {"caller": {"type": "direct"}}


def reply_of(message: dict[str, Any], finish_reason: str = "stop", **more: Any) -> Reply:
    """A worker's reply with an answer."""
    return Reply(
        **{
            "request_id": "r1", "status": "replied", "latency_ms": 5.0, "model": "claude",
            "provider": "anthropic", "tier": "simple", "usage": USAGE,
            "message": orjson.dumps(message).decode(), "finish_reason": finish_reason, **more,
        }
    )  # fmt: skip


def message_of(
    thinking: list[dict[str, Any]], content: str, calls: list[tuple[str, str]], reasoning: str = ""
) -> dict[str, Any]:
    """An assistant message as replies hold it."""
    found: dict[str, Any] = {"role": "assistant", "content": content or None}
    thought = "\n\n".join(each["thinking"] for each in thinking if "thinking" in each)
    if thought or reasoning:
        found["reasoning_content"] = thought or reasoning
    if thinking:
        found["thinking_blocks"] = thinking
    if calls:
        found["tool_calls"] = [
            {"id": f"toolu_{n}", "type": "function", "function": {"name": name, "arguments": text}}
            for n, (name, text) in enumerate(calls)
        ]
    return found


def deltas_of(message: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """The parts of a message as workers send them, with texts in pieces of `size`."""

    def pieces(text: str) -> Iterator[str]:
        return (text[at : at + size] for at in range(0, len(text), size))

    found: list[dict[str, Any]] = []
    blocks = message.get("thinking_blocks") or []
    for block in blocks:
        if block["type"] == "thinking":
            found += [{"reasoning_content": piece} for piece in pieces(block["thinking"])]
            found.append({"thinking_signature": block["signature"]})
    if not blocks:
        found += [
            {"reasoning_content": each} for each in pieces(message.get("reasoning_content") or "")
        ]
    found += [{"content": piece} for piece in pieces(message["content"] or "")]
    for index, call in enumerate(message.get("tool_calls") or ()):
        begun = {"name": call["function"]["name"], "arguments": ""}
        found.append({"tool_calls": [{"index": index, "id": call["id"], "function": begun}]})
        found += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(call["function"]["arguments"])
        ]
    return found


def part_of(delta: dict[str, Any], number: int = 0) -> AnswerPart:
    return AnswerPart(call_id="c1", sequence=number, model="claude", delta=delta)


def streamed(deltas: list[dict[str, Any]], reply: Reply) -> bytes:
    """The events of an answer that arrives in parts."""
    stream = MessageEvents(BEGUN)
    parts = [
        event for number, each in enumerate(deltas) for event in stream.part(part_of(each, number))
    ]
    return b"".join([stream.keep_alive(), *parts, stream.keep_alive(), *stream.end(reply)])


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The documents of a stream; each event has its name and one line of data."""
    found = []
    for frame in body.decode().split("\n\n")[:-1]:
        name, data = frame.split("\n")
        document = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {document['type']}"
        found.append(document)
    return found


def client_of(body: bytes) -> Anthropic:
    """The SDK, with a server that answers with this stream."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, content=body, headers=headers)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return Anthropic(api_key="k", base_url="http://gateway", http_client=http, max_retries=0)


def accumulated(body: bytes) -> dict[str, Any]:
    """The message that the SDK makes of a stream."""
    question: Any = [{"role": "user", "content": "Hi"}]
    with client_of(body).messages.stream(model="auto", max_tokens=9, messages=question) as stream:
        return as_read(stream.get_final_message())


def plain(reply: Reply) -> dict[str, Any]:
    """The plain answer, as the SDK reads it."""
    body = orjson.loads(orjson.dumps(message_body(AnsweredRequest(reply=reply, begun=BEGUN))))
    return as_read(Message.model_validate(body, strict=True))


def as_read(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.to_dict()
    found.pop("sluice", None)
    for block in found["content"]:
        block.pop("parsed_output", None)
    return found


def in_order(blocks: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The blocks, and apart from them the redacted ones, which a stream has last."""
    kept = [block for block in blocks if block["type"] != "redacted_thinking"]
    return kept, [block for block in blocks if block["type"] == "redacted_thinking"]


@given(
    thinking=st.lists(SIGNED, max_size=2),
    content=TEXTS,
    calls=CALLS,
    reasoning=TEXTS,
    size=st.integers(1, 20),
    share=st.floats(0, 1),
    together=st.booleans(),
)
def test_a_streams_events_make_the_plain_answer_however_it_is_split(
    thinking: list[Any], content: str, calls: list[Any], reasoning: str, size: int, share: float,
    together: bool,
) -> None:  # fmt: skip
    message = message_of(thinking, content, calls, reasoning)
    reply = reply_of(message, "tool_calls" if calls else "stop")
    deltas = deltas_of(message, size)
    live = deltas[: round(share * len(deltas))]
    if together and len({next(iter(delta)) for delta in live}) == len(live):
        live = [{name: value for delta in live for name, value in delta.items()}]
    assert accumulated(streamed(live, reply)) == plain(reply)


@given(thinking=st.lists(SIGNED | REDACTED, max_size=3), content=TEXTS, share=st.floats(0, 1))
def test_redacted_thinking_is_not_lost_though_it_has_no_parts(
    thinking: list[Any], content: str, share: float
) -> None:
    message = message_of(thinking, content, [])
    deltas = deltas_of(message, 5)
    body = streamed(deltas[: round(share * len(deltas))], reply_of(message))
    assert in_order(accumulated(body)["content"]) == in_order(plain(reply_of(message))["content"])


@given(thinking=st.lists(SIGNED | REDACTED, max_size=2), content=TEXTS, calls=CALLS,
    size=st.integers(1, 9))  # fmt: skip
def test_every_event_has_the_sdks_type_and_blocks_are_numbered_in_turn(
    thinking: list[Any], content: str, calls: list[Any], size: int
) -> None:
    message = message_of(thinking, content, calls)
    events = events_of(streamed(deltas_of(message, size), reply_of(message)))
    assert next(event["type"] for event in events if event["type"] != "ping") == "message_start"
    assert [event["type"] for event in events][-2:] == ["message_delta", "message_stop"]
    is_open, blocks = False, 0
    for event in events:
        if event["type"] == "ping":
            continue
        EVENT.validate_python(event, strict=True)
        if event["type"] == "content_block_start":
            assert event["index"] == blocks
            assert not is_open
            is_open, blocks = True, blocks + 1
        elif event["type"].startswith("content_block"):
            assert event["index"] == blocks - 1
            assert is_open
            is_open = event["type"] != "content_block_stop"
    assert not is_open


def test_parallel_calls_whose_inputs_arrive_in_turns_are_told_apart() -> None:
    calls = [("look", '{"at":"a"}'), ("look", '{"at":"b"}')]
    message = message_of([], "So:", calls)
    begun, ended = [], []
    for index, (name, text) in enumerate(calls):
        start = {"name": name, "arguments": text[:4]}
        begun.append({"tool_calls": [{"index": index, "id": f"toolu_{index}", "function": start}]})
        ended.append({"tool_calls": [{"index": index, "function": {"arguments": text[4:]}}]})
    reply = reply_of(message, "tool_calls")
    body = streamed([{"content": "So"}, *begun, {"content": ":"}, *ended], reply)
    assert accumulated(body) == plain(reply) | {"content": [
        {"type": "text", "text": "So", "citations": None},
        {"type": "tool_use", "id": "toolu_0", "name": "look", "input": {"at": "a"}} | DIRECT,
        {"type": "text", "text": ":", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "b"}} | DIRECT,
    ]}  # fmt: skip


def test_text_between_calls_stays_between_them() -> None:
    message = message_of([], "ab", [("look", "{}")])
    live = [{"content": "a"}, *deltas_of(message_of([], "", [("look", "{}")]), 9), {"content": "b"}]
    found = accumulated(streamed(live, reply_of(message, "tool_calls")))["content"]
    assert [block["type"] for block in found] == ["text", "tool_use", "text"]


def test_tokens_are_0_until_message_delta_corrects_them() -> None:
    events = events_of(streamed([{"content": "a"}], reply_of(message_of([], "abc", []))))
    start, delta = events[1], events[-2]
    assert start["message"]["usage"]["input_tokens"] == 0
    assert delta["usage"]["input_tokens"] == 15
    assert delta["usage"]["cache_read_input_tokens"] == 100
    assert delta["sluice"]["model"] == "claude"
    assert delta["sluice"]["usage_reported"] is True


@pytest.mark.parametrize(
    "message",
    [
        message_of([], "other", []),
        message_of([{"type": "thinking", "thinking": "no", "signature": "s"}], "abc", []),
        message_of([], "abc", []) | {"tool_calls": []},
    ],
)
def test_an_answer_that_does_not_continue_what_was_sent_ends_the_stream_with_an_error(
    message: dict[str, Any],
) -> None:
    stream = MessageEvents(BEGUN)
    live = deltas_of(message_of([SIGNED_THOUGHT], "ab", [("look", "{}")]), 9)
    for delta in live:
        list(stream.part(part_of(delta)))
    with pytest.raises(AnswerChangedError, match="another call") as caught:
        list(stream.end(reply_of(message)))
    assert http_error(caught.value).retryable


SIGNED_THOUGHT = {"type": "thinking", "thinking": "so", "signature": "s"}


def test_the_sdk_raises_the_error_of_a_broken_stream_with_its_code() -> None:
    stream = MessageEvents(BEGUN)
    error = HttpError(503, "no_capacity", "no room", retryable=True)
    body = b"".join([*stream.part(part_of({"content": "a"})), *stream.fail(error)])
    with pytest.raises(APIStatusError) as caught:
        accumulated(body)
    assert caught.value.type == "overloaded_error"
    assert caught.value.error_code == "no_capacity"


def test_line_breaks_in_names_and_texts_start_no_event() -> None:
    hostile = "x\n\nevent: message_stop\ndata: {}\r\n\r\n\u2028"
    message = message_of([], hostile, [(hostile, "{}")])
    reply = reply_of(message, model=hostile)
    stream = MessageEvents(BEGUN)
    part = AnswerPart(call_id="c", sequence=0, model=hostile, delta={"content": hostile})
    body = b"".join([*stream.part(part), *stream.end(reply)])
    assert [each["type"] for each in events_of(body)].count("message_stop") == 1
    assert accumulated(body)["content"][0]["text"] == hostile
