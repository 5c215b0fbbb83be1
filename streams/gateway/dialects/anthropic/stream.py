"""Stream of a message: events from parts of the answer, the rest from the reply. Pure.

Blocks are numbered in the order of their start, and one ends before the next starts. So a part that
does not continue the open tool call waits, with all after it, until the call's input is whole, or
comes from the reply: some servers send the inputs of parallel calls in turns.

The tokens of `message_start` are 0, since they are not known then; `message_delta` has the counts.

Source: https://docs.anthropic.com/en/api/messages-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from schemas.records import Reply
from streams.client.answer_parts import AnswerPart
from streams.client.sent_answer import (
    REASONING,
    REDACTED,
    SIGNATURE,
    Unsent,
    unsent_blocks,
)
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.anthropic.answer import (
    empty_message,
    stop_of,
    tool_use,
    usage_of,
    way_of,
)
from streams.gateway.dialects.anthropic.errors import error_body
from streams.gateway.errors import HttpError

KEEP_ALIVE = b'event: ping\ndata: {"type":"ping"}\n\n'

_THINKING = "thinking"
_TOOL = "tool_calls"
_BLOCK_OF = {
    REASONING: _THINKING,
    SIGNATURE: _THINKING,
    REDACTED: REDACTED,
    "content": "content",
    "refusal": "refusal",
}
"""Kind of block by field of a delta, in the order in which the fields of one delta count."""


class MessageEvents:
    """The events of one answer, as server-sent events."""

    def __init__(self, begun: BegunAnswer) -> None:
        self._answer = begun
        self._begun = False
        self._blocks = 0
        self._open: str | None = None
        self._holds_back = False
        self._sent = Unsent()

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the first event names the model."""
        yield from ()

    def part(self, part: AnswerPart) -> Iterator[bytes]:
        """Yield the events of a part of the answer."""
        yield from self._begin(part.model)
        for step in _steps(part.delta):
            if self._may_follow(step):
                self._sent.note(step)
                yield from self._events(step)
            else:
                self._holds_back = True

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Yield the rest of an answer, and the end of the stream.

        Raises:
            AnswerChangedError: what was sent is not the beginning of this answer.
        """
        message = AnsweredRequest(reply=reply, begun=self._answer).message
        rest = [step for delta in unsent_blocks(message, self._sent) for step in _steps(delta)]
        if self._open not in {None, _THINKING}:
            rest.sort(key=lambda step: _block_of(step) != self._open)
        yield from self._begin(reply.model or "")
        for step in rest:
            yield from self._events(step)
        yield from self._stop()
        yield _event(
            "message_delta",
            delta={**stop_of(reply, message), "container": None},
            usage=usage_of(reply.usage),
            sluice=way_of(reply),
        )
        yield _event("message_stop")

    def fail(self, error: HttpError) -> Iterator[bytes]:
        """Yield the end of a stream that can't be completed."""
        yield _encoded("error", error_body(error, self._answer.request_id))

    def keep_alive(self) -> bytes:
        """Return an event that clients ignore."""
        return KEEP_ALIVE

    def _begin(self, model: str) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield _event("message_start", message=empty_message(self._answer.request_id, model))

    def _may_follow(self, step: Mapping[str, Any]) -> bool:
        """Return whether a step may be sent after what was sent."""
        block = _block_of(step)
        if block == self._open:
            return True
        if self._holds_back or self._is_within_a_call():
            return False
        if _TOOL not in step:
            return True
        call = step[_TOOL][0]
        is_first = call["index"] == len(self._sent.arguments)
        return is_first and bool(call.get("id") and (call.get("function") or {}).get("name"))

    def _is_within_a_call(self) -> bool:
        """Return whether a tool call is open whose input is not whole yet."""
        if self._open is None or not self._open.startswith(_TOOL):
            return False
        said = self._sent.arguments[len(self._sent.arguments) - 1]
        if not said.rstrip().endswith("}"):
            return True
        try:
            orjson.loads(said)
        except orjson.JSONDecodeError:
            return True
        return False

    def _events(self, step: Mapping[str, Any]) -> Iterator[bytes]:
        block = _block_of(step)
        if block != self._open:
            yield from self._stop()
            yield self._start(block, step)
        delta = _delta_of(step)
        if delta is not None:
            yield _event("content_block_delta", index=self._blocks - 1, delta=delta)
        if SIGNATURE in step or REDACTED in step:
            yield from self._stop()

    def _start(self, block: str, step: Mapping[str, Any]) -> bytes:
        self._open = block
        self._blocks += 1
        return _event(
            "content_block_start", index=self._blocks - 1, content_block=_beginning_of(step)
        )

    def _stop(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield _event("content_block_stop", index=self._blocks - 1)


def _steps(delta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a delta as deltas of one field and at most one tool call each."""
    for name in _BLOCK_OF:
        if delta.get(name):
            yield {name: delta[name]}
    for call in delta.get(_TOOL) or ():
        yield {_TOOL: [call]}


def _block_of(step: Mapping[str, Any]) -> str:
    """Return the block that a step belongs to."""
    if _TOOL in step:
        return f"{_TOOL}.{step[_TOOL][0]['index']}"
    return _BLOCK_OF[next(iter(step))]


def _beginning_of(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block as it starts."""
    if _TOOL in step:
        return tool_use(step[_TOOL][0])
    if REDACTED in step:
        return {"type": REDACTED, "data": step[REDACTED]}
    if _block_of(step) == _THINKING:
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": "", "citations": None}


def _delta_of(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the vendor's delta of a step; `None` if its start says all."""
    if REASONING in step:
        return {"type": "thinking_delta", "thinking": step[REASONING]}
    if SIGNATURE in step:
        return {"type": "signature_delta", "signature": step[SIGNATURE]}
    if _TOOL in step:
        said = (step[_TOOL][0].get("function") or {}).get("arguments")
        return {"type": "input_json_delta", "partial_json": said} if said else None
    text = step.get("content") or step.get("refusal")
    return {"type": "text_delta", "text": text} if text else None


def _event(kind: str, **fields: Any) -> bytes:
    return _encoded(kind, {"type": kind, **fields})


def _encoded(kind: str, document: Mapping[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"
