"""Streams of OpenAI's responses, read by OpenAI's SDK."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from schemas.errors import AnswerChangedError
from schemas.records import Reply, ReplyUsage
from streams.client.answer_parts import AnswerPart
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.responses.dialect import Responses
from streams.gateway.dialects.responses.request import parse_response
from streams.gateway.errors import GatewayCode, HttpError

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = ReplyUsage(
    input_tokens=120, output_tokens=30, cache_read_tokens=100, cache_write_tokens=5,
    reasoning_tokens=7,
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SOME_TEXT = TEXTS.filter(bool)
CALLS = st.lists(st.tuples(st.sampled_from(["look", "set_date"]), SOME_TEXT), max_size=3)
SIGNED = st.builds(
    lambda text, signature: {"type": "thinking", "thinking": text, "signature": signature},
    SOME_TEXT,
    SOME_TEXT,
)
REDACTED = st.builds(lambda data: {"type": "redacted_thinking", "data": data}, SOME_TEXT)
MESSAGES = st.builds(
    lambda thinking, content, calls, refusal: message_of(
        thinking, content, [] if refusal else calls, refusal
    ),
    st.lists(SIGNED | REDACTED, max_size=3),
    TEXTS,
    CALLS,
    TEXTS,
)


def message_of(
    thinking: list[dict[str, Any]], content: str, calls: list[tuple[str, str]], refusal: str = ""
) -> dict[str, Any]:
    """An assistant message as replies hold it."""
    found: dict[str, Any] = {"role": "assistant", "content": content or None}
    texts = [block["thinking"] for block in thinking if block["type"] == "thinking"]
    if thinking:
        found["thinking_blocks"] = thinking
    if texts:
        found["reasoning_content"] = "\n\n".join(texts)
    if refusal:
        found["refusal"] = refusal
    if calls:
        found["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": said}}
            for n, (name, said) in enumerate(calls)
        ]
    return found


def reply_of(message: dict[str, Any], finish_reason: str = "stop", **more: Any) -> Reply:
    """A worker's reply with an answer."""
    return Reply(
        **{
            "request_id": "r1", "status": "replied", "latency_ms": 1500.0, "model": "small",
            "provider": "openai", "tier": "simple", "usage": USAGE,
            "message": orjson.dumps(message).decode(), "finish_reason": finish_reason, **more,
        }
    )  # fmt: skip


def begun(**body: Any) -> BegunAnswer:
    parsed = parse_response({"model": "auto", "input": "Hello", **body}, ())
    return BegunAnswer(request_id="r1", created=7, parsed=parsed, answer_id="resp_1")


def deltas_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The deltas with which a provider streams a message, a character each."""
    found: list[dict[str, Any]] = []
    for block in message.get("thinking_blocks") or ():
        if block["type"] == "thinking":
            found += [{"reasoning_content": char} for char in block["thinking"]]
            found.append({"thinking_signature": block["signature"]})
    found += [{"content": char} for char in message["content"] or ""]
    for index, call in enumerate(message.get("tool_calls") or ()):
        named = {"name": call["function"]["name"], "arguments": ""}
        begin = {"index": index, "id": call["id"], "type": "function", "function": named}
        found.append({"tool_calls": [begin]})
        found += [
            {"tool_calls": [{"index": index, "function": {"arguments": char}}]}
            for char in call["function"]["arguments"]
        ]
    return found


def streamed(deltas: list[dict[str, Any]], reply: Reply, at: BegunAnswer | None = None) -> bytes:
    """The events of an answer that arrives in parts."""
    stream = Responses().stream(at or begun())
    found = list(stream.begin())
    for number, delta in enumerate(deltas):
        part = AnswerPart(call_id="c1", sequence=number, model="small", delta=delta)
        found += stream.part(part)
    return b"".join([*found, stream.keep_alive(), *stream.end(reply)])


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The documents of a stream: each event has its name, one line of data, and the next number."""
    found = []
    for frame in body.decode().split("\n\n")[:-1]:
        if frame.startswith(":"):
            continue
        name, data = frame.split("\n")
        document = orjson.loads(data.removeprefix("data: "))
        assert name == f"event: {document['type']}"
        assert EVENT.validate_python(document).type == document["type"]
        found.append(document)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def read_by_sdk(body: bytes) -> Response:
    """The response that the SDK gathers from the events."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = OpenAI(api_key="k", base_url="http://gateway", http_client=http, max_retries=0)
    with client.responses.stream(model="auto", input="Hello") as stream:
        return stream.get_final_response()


@given(MESSAGES, st.integers(0, 60))
def test_a_stream_holds_the_answer_however_much_of_it_arrived_in_parts(
    message: dict[str, Any], count: int
) -> None:
    reply = reply_of(message)
    events = events_of(streamed(deltas_of(message)[:count], reply))
    assert [each["type"] for each in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] == "response.completed"
    answered = AnsweredRequest(reply=reply, begun=begun())
    whole = orjson.loads(orjson.dumps(Responses().answer(answered)))
    last = events[-1]["response"]
    assert unordered(last["output"]) == unordered(whole["output"])
    assert {**last, "output": []} == {**whole, "output": []}
    Response.model_validate(last, strict=True)


@given(MESSAGES, st.integers(0, 60))
def test_the_deltas_of_each_item_are_its_text_and_every_item_ends_once(
    message: dict[str, Any], count: int
) -> None:
    events = events_of(streamed(deltas_of(message)[:count], reply_of(message)))
    output = events[-1]["response"]["output"]
    begun_items = [e["item"]["id"] for e in events if e["type"] == "response.output_item.added"]
    ended = {e["output_index"]: e for e in events if e["type"] == "response.output_item.done"}
    assert begun_items == [item["id"] for item in output]
    assert [ended[index]["item"] for index in sorted(ended)] == output
    for index, item in enumerate(output):
        said = [e["delta"] for e in events if e.get("output_index") == index and "delta" in e]
        assert "".join(said) == text_of(item)


def unordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items without their order: redacted thinking comes last in a stream."""
    return sorted(({**item, "id": ""} for item in items), key=repr)


def text_of(item: dict[str, Any]) -> str:
    if item["type"] == "function_call":
        return str(item["arguments"])
    parts = item["summary"] if item["type"] == "reasoning" else item["content"]
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def test_the_sdk_gathers_text_and_tool_calls() -> None:
    message = message_of([], "One moment.", [("look", '{"at": 1}'), ("look", '{"at": 2}')])
    found = read_by_sdk(streamed(deltas_of(message)[:14], reply_of(message)))
    assert found.output_text == "One moment."
    calls = [item for item in found.output if item.type == "function_call"]
    assert [(each.call_id, each.arguments) for each in calls] == [
        ("call_0", '{"at": 1}'),
        ("call_1", '{"at": 2}'),
    ]
    assert found.usage is not None
    assert found.usage.input_tokens_details.cached_tokens == 100
    assert found.usage.output_tokens_details.reasoning_tokens == 7


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_an_answer_that_was_cut_off_is_incomplete(finish_reason: str, reason: str) -> None:
    message = message_of([], "Half", [("look", '{"a')])
    events = events_of(streamed([], reply_of(message, finish_reason)))
    assert events[-1]["type"] == "response.incomplete"
    response = events[-1]["response"]
    assert response["incomplete_details"] == {"reason": reason}
    assert response["completed_at"] is None
    assert response["output"][-1]["status"] == "incomplete"


def test_a_failed_stream_ends_with_what_was_sent() -> None:
    stream = Responses().stream(begun())
    part = AnswerPart(call_id="c1", sequence=0, model="small", delta={"content": "Half"})
    error = HttpError(503, GatewayCode.INTERNAL, "another call answered", retryable=True)
    events = events_of(b"".join([*stream.part(part), *stream.fail(error)]))
    assert events[-1]["type"] == "response.failed"
    response = events[-1]["response"]
    assert response["error"] == {"code": "server_error", "message": "another call answered"}
    assert response["sluice"]["retryable"] is True
    assert response["output"][0]["content"][0]["text"] == "Half"


def test_a_failure_before_any_part_is_a_whole_stream() -> None:
    error = HttpError(429, "budget_exceeded", "no more money")
    events = events_of(b"".join(Responses().stream(begun()).fail(error)))
    assert [each["type"] for each in events] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"


def test_a_request_in_the_background_is_queued_first() -> None:
    body = streamed([{"content": "An"}], reply_of(message_of([], "An", [])), begun(background=True))
    kinds = [each["type"] for each in events_of(body)[:3]]
    assert kinds == ["response.created", "response.queued", "response.in_progress"]


def test_a_tool_call_that_its_first_part_does_not_name_comes_from_the_reply() -> None:
    message = message_of([], "", [("look", "{}"), ("look", "[]")])
    nameless = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    second = {"index": 1, "id": "call_1", "function": {"name": "look", "arguments": "["}}
    events = events_of(streamed([nameless, {"tool_calls": [second]}], reply_of(message)))
    arguments = [item["arguments"] for item in events[-1]["response"]["output"]]
    assert arguments == ["{}", "[]"]


def test_arguments_of_parallel_calls_may_arrive_in_turns() -> None:
    message = message_of([], "", [("look", "{}"), ("look", "[]")])
    deltas = deltas_of(message)
    shuffled = [deltas[0], deltas[3], deltas[1], deltas[4], deltas[2]]
    events = events_of(streamed(shuffled, reply_of(message)))
    arguments = [item["arguments"] for item in events[-1]["response"]["output"]]
    assert arguments == ["{}", "[]"]


def test_another_answer_than_the_sent_one_is_refused() -> None:
    with pytest.raises(AnswerChangedError):
        streamed([{"content": "Nothing"}], reply_of(message_of([], "An answer", [])))
