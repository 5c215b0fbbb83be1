"""Encoding of Anthropic's streams: events of a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from infra.simulator.anthropic.wire import content_of, identity_of, usage_of
from infra.simulator.call_facts import CheckedCall
from infra.simulator.draws import Chance
from infra.simulator.responses.response_builder import Serving
from infra.simulator.responses.text_pieces import cut, pieces_of
from infra.simulator.stream_frames import StreamFrames


def _event(kind: str, **fields: Any) -> bytes:
    document = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + document + b"\n\n"


_PING = _event("ping")
ERROR_FRAME = _event("error", error={"type": "overloaded_error", "message": "Overloaded"})
"""The error that ends a stream in its middle."""


def stream(
    checked: CheckedCall, serving: Serving, call_id: str, at_s: int, chance: Chance
) -> StreamFrames:
    """Return the events of a 200. Time and randomness are not part of this format."""
    content, stop = content_of(checked, serving, call_id, orjson.loads(serving.encoded))
    used = usage_of(serving)
    message: dict[str, Any] = {
        "id": identity_of(call_id),
        "type": "message",
        "role": "assistant",
        "model": checked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**used, "output_tokens": 1},
    }
    pieces = [piece for number, block in enumerate(content) for piece in _block(number, block)]
    counted = {name: used[name] for name in _CUMULATIVE if name in used}
    return StreamFrames(
        opening=_event("message_start", message=message) + _PING,
        pieces=tuple(pieces),
        closing=_event(
            "message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=counted
        )
        + _event("message_stop"),
        error=ERROR_FRAME,
    )


_CUMULATIVE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
)


def _block(number: int, block: dict[str, Any]) -> Iterator[bytes]:
    start, deltas = _parts(block)
    opening = _event("content_block_start", index=number, content_block=start)
    *body, last = [_event("content_block_delta", index=number, delta=each) for each in deltas]
    stop = _event("content_block_stop", index=number)
    if not body:
        yield opening + last + stop
        return
    yield opening + body[0]
    yield from body[1:]
    yield last + stop


def _parts(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block as it starts, and its deltas, at least one."""
    if block["type"] == "tool_use":
        parts = cut(orjson.dumps(block["input"]).decode())
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *parts)]
        return {**block, "input": {}}, deltas
    if block["type"] == "thinking":
        thoughts = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces_of(block["thinking"])
        ]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thoughts, signature]
    pieces = pieces_of(block["text"]) or [""]
    return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
