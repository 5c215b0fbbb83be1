"""What a stream still has to send, and how OpenAI's chunks show thinking in blocks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.records import Reply
from streams.client.answer_parts import AnswerPart
from streams.client.sent_answer import Unsent, unsent, unsent_blocks
from streams.gateway.dialects.openai.stream import ChatChunks
from tests.unit.gateway.world import BEGUN

FIRST = {"type": "thinking", "thinking": "one", "signature": "s1"}
HIDDEN = {"type": "redacted_thinking", "data": "d"}
SECOND = {"type": "thinking", "thinking": "two", "signature": "s2"}
MESSAGE = {
    "role": "assistant",
    "content": "answer",
    "reasoning_content": "one\n\ntwo",
    "thinking_blocks": [FIRST, HIDDEN, SECOND],
}
SENT: list[dict[str, Any]] = [
    {"reasoning_content": "o"},
    {"reasoning_content": "ne"},
    {"thinking_signature": "s1"},
    {"reasoning_content": "two"},
    {"thinking_signature": "s2"},
    {"content": "answer"},
]


@pytest.mark.parametrize("count", range(len(SENT) + 1))
def test_openais_chunks_hold_the_messages_reasoning_however_much_was_sent(count: int) -> None:
    stream = ChatChunks(BEGUN)
    parts = [
        AnswerPart(call_id="c1", sequence=number, model="m", delta=delta)
        for number, delta in enumerate(SENT[:count])
    ]
    reply = Reply(
        request_id="r1", status="replied", latency_ms=1.0, message=orjson.dumps(MESSAGE).decode()
    )
    events = [event for part in parts for event in stream.part(part)] + list(stream.end(reply))
    deltas = [
        orjson.loads(event.removeprefix(b"data: "))["choices"][0]["delta"] for event in events[:-1]
    ]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "one\n\ntwo"
    assert "".join(delta.get("content") or "" for delta in deltas) == "answer"


@pytest.mark.parametrize(
    ("count", "left"),
    [
        (0, [{"reasoning_content": "one"}, {"thinking_signature": "s1"},
             {"redacted_thinking": "d"},
             {"reasoning_content": "two"}, {"thinking_signature": "s2"}]),
        (1, [{"reasoning_content": "ne"}, {"thinking_signature": "s1"},
             {"redacted_thinking": "d"},
             {"reasoning_content": "two"}, {"thinking_signature": "s2"}]),
        (3, [{"redacted_thinking": "d"},
             {"reasoning_content": "two"}, {"thinking_signature": "s2"}]),
        (4, [{"thinking_signature": "s2"}, {"redacted_thinking": "d"}]),
        (5, [{"redacted_thinking": "d"}]),
    ],
)  # fmt: skip
def test_a_block_of_thinking_that_was_begun_is_continued_first(count: int, left: Any) -> None:
    sent = Unsent()
    for delta in SENT[:count]:
        sent.note(delta)
    assert list(unsent_blocks(MESSAGE, sent)) == [*left, {"content": "answer"}]


def test_reasoning_that_differs_from_what_was_sent_is_not_continued() -> None:
    sent = Unsent()
    sent.note({"reasoning_content": "other"})
    assert list(unsent(MESSAGE, sent)) == [{"content": "answer"}]
