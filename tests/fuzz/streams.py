"""What providers may stream: valid events, changed in places, in pieces of any length."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import orjson

from tests.fuzz.answers import ENDS
from tests.fuzz.values import anything, changed, wrongly_typed


def _chunk(finish: Any = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-1", "model": "gpt-4o", "choices": [choice], "usage": None}


def _call(index: int, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"index": index, **more, "function": {"name": "f", "arguments": arguments}}


def _block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


_OPENAI: list[Any] = [
    _chunk(role="assistant", content="", refusal=None),
    _chunk(content="Hel", reasoning_content="hm"),
    _chunk(content=[{"type": "text", "text": "lo."}, {"type": "thinking", "thinking": "so"}]),
    _chunk(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "hm"}]),
    _chunk(tool_calls=[_call(0, '{"a"', id="c1"), _call(1, {"a": 1.5})]),
    _chunk(tool_calls=[_call(0, ":1}", extra_content={"google": {"thought_signature": "s"}})]),
    _chunk("tool_calls"),
    {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}},
    b"[DONE]",
]
_ANTHROPIC: list[Any] = [
    {"type": "message_start", "message": {
        "id": "msg_1", "model": "claude-opus-4-8", "content": [], "stop_reason": None,
        "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "ping"},
    *_block(0, {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "s"}),
    *_block(1, {"type": "redacted_thinking", "data": "d"}),
    *_block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello."},
            {"type": "citations_delta", "citation": {"cited_text": "x"}}),
    *_block(3, {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": "1.50}"}),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None},
     "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]  # fmt: skip
_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
_LINE_ENDS = (b"\n", b"\n", b"\n", b"\r\n", b"\r")


def make_stream(draw: Random, name: str) -> list[bytes]:
    """The pieces of a streamed answer in a wire format."""
    events = list({"openai": _OPENAI, "anthropic": _ANTHROPIC}[name])
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        at = draw.randrange(len(events))
        if isinstance(events[at], dict):
            events[at] = draw.choice((changed, wrongly_typed))(events[at], draw)
    at = draw.randrange(len(events))
    kind = draw.random()
    if kind < 0.1:
        del events[at]
    elif kind < 0.2:
        events.insert(at, draw.choice((*events, _ERROR, anything(draw), _chunk(draw.choice(ENDS)))))
    elif kind < 0.25:
        events = events[:at]
    end = draw.choice(_LINE_ENDS)
    body = b"".join(_frame(event, end) for event in events)
    if draw.random() < 0.05:
        place = draw.randint(0, len(body))
        body = body[:place] + draw.choice((b"\xff", b"\n", b"data:", b'"', b"\r")) + body[place:]
    cuts = sorted(draw.randint(0, len(body)) for _ in range(draw.choice((0, 1, 5))))
    bounds = [0, *cuts, len(body)]
    return [body[a:b] for a, b in pairwise(bounds)]


def _frame(event: Any, end: bytes) -> bytes:
    data = event if isinstance(event, bytes) else orjson.dumps(event)
    kind = event.get("type") if isinstance(event, dict) else None
    name = b"event: " + kind.encode() + end if isinstance(kind, str) and "\n" not in kind else b""
    return name + b"data: " + data + end + end
