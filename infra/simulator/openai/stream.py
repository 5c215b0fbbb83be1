"""Encoding of OpenAI's streams: chunks of a chat completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from infra.simulator.call_facts import CheckedCall
from infra.simulator.draws import Chance
from infra.simulator.openai.wire import calls_of, identity_of, logprobs_of, usage_of
from infra.simulator.responses.response_builder import Serving
from infra.simulator.responses.text_pieces import TOKENS_A_PIECE, cut, pieces_of
from infra.simulator.stream_frames import StreamFrames

_DONE = b"data: [DONE]\n\n"
_EVEN_LENGTH = 16
"""Chunks are padded to multiples of this length, so that their size does not reveal tokens."""

_ERROR = {
    "error": {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error",
        "param": None,
        "code": "server_error",
    }
}
ERROR_FRAME = b"data: " + orjson.dumps(_ERROR) + b"\n\n"
"""The error that ends a stream in its middle."""


def stream(
    checked: CheckedCall, serving: Serving, call_id: str, at_s: int, chance: Chance
) -> StreamFrames:
    """Return the chunks of a 200."""
    chunks = _Chunks(checked, identity_of(call_id), at_s)
    text: str = orjson.loads(serving.encoded)
    tools = serving.answer.tools
    opening = {"role": "assistant", "content": None if tools and not text else "", "refusal": None}
    pieces = list(_texts(chunks, checked, serving, call_id, chance) if text else ())
    for number, call in enumerate(calls_of(serving, call_id)):
        pieces.append(chunks.delta(tool_calls=[{"index": number, **_opened(call)}]))
        for part in cut(call["function"]["arguments"]):
            more = {"index": number, "function": {"arguments": part}}
            pieces.append(chunks.delta(tool_calls=[more]))
    closing = [chunks.choice({}, finish=serving.finish)]
    if checked.include_usage:
        closing.append(chunks.chunk([], usage=usage_of(serving)))
    return StreamFrames(
        opening=chunks.choice(opening),
        pieces=tuple(pieces),
        closing=b"".join((*closing, _DONE)),
        error=ERROR_FRAME,
    )


def _opened(call: dict[str, Any]) -> dict[str, Any]:
    return {**call, "function": {"name": call["function"]["name"], "arguments": ""}}


def _texts(
    chunks: _Chunks, checked: CheckedCall, serving: Serving, call_id: str, chance: Chance
) -> Iterator[bytes]:
    if not checked.logprobs:
        for piece in pieces_of(orjson.loads(serving.encoded)):
            yield chunks.delta(content=piece)
        return
    tokens = logprobs_of(checked, serving, call_id, chance)
    for start in range(0, len(tokens), TOKENS_A_PIECE):
        group = tokens[start : start + TOKENS_A_PIECE]
        content = "".join(token["token"] for token in group)
        yield chunks.choice({"content": content}, logprobs={"content": group, "refusal": None})


class _Chunks:
    """Makes the chunks of one answer: all have its id, time and model."""

    def __init__(self, checked: CheckedCall, identity: str, at_s: int) -> None:
        self._frame = {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": at_s,
            "model": checked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        }
        self._include_usage = checked.include_usage
        self._is_padded = checked.include_obfuscation

    def delta(self, **delta: Any) -> bytes:
        return self.choice(delta)

    def choice(self, delta: Any, *, logprobs: Any = None, finish: str | None = None) -> bytes:
        one = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self.chunk([one])

    def chunk(self, choices: list[Any], *, usage: Any = None) -> bytes:
        document: dict[str, Any] = {**self._frame, "choices": choices}
        if self._include_usage:
            document["usage"] = usage
        if self._is_padded:
            length = len(orjson.dumps(choices))
            document["obfuscation"] = "o" * (_EVEN_LENGTH - length % _EVEN_LENGTH)
        return b"data: " + orjson.dumps(document) + b"\n\n"
