"""Stream of a chat completion: chunks from parts of the answer, the rest from the reply. Pure.

Each `data:` is one line of JSON. `id`, `created` and `model` are the same in all chunks. The usage
chunk has no choices and comes only if it was asked for.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from schemas.records import Reply
from streams.client.answer_parts import AnswerPart
from streams.client.sent_answer import Unsent, unsent
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer, logprobs_of, summary
from streams.gateway.dialects.openai.answer import completion_id, error_body, usage
from streams.gateway.errors import HttpError

KEEP_ALIVE = b": keep-alive\n\n"
_DONE = b"data: [DONE]\n\n"


class ChatChunks:
    """The chunks of one answer, as server-sent events."""

    def __init__(self, begun: BegunAnswer) -> None:
        self._answer = begun
        self._id = completion_id(begun.request_id)
        self._include_usage = begun.parsed.include_usage
        self._model = ""
        self._begun = False
        self._sent = Unsent()

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the first chunk names the model."""
        yield from ()

    def part(self, part: AnswerPart) -> Iterator[bytes]:
        """Yield the events of a part of the answer."""
        yield from self._begin(part.model)
        shown = self._sent.as_reasoning(part.delta)
        self._sent.note(part.delta)
        yield self._chunk(shown)

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Yield the rest of an answer, and the end of the stream.

        Raises:
            AnswerChangedError: what was sent is not the beginning of this answer.
        """
        message = AnsweredRequest(reply=reply, begun=self._answer).message
        rest = unsent(message, self._sent)
        yield from self._begin(reply.model or "")
        for delta in rest:
            yield self._chunk(delta)
        last = self._document({}, reply.finish_reason, logprobs_of(reply))
        yield _event({**last, "sluice": summary(reply)})
        if self._include_usage:
            yield _event({**self._document(None), "usage": usage(reply.usage)})
        yield _DONE

    def fail(self, error: HttpError) -> Iterator[bytes]:
        """Yield the end of a stream that can't be completed."""
        yield _event(error_body(error))

    def keep_alive(self) -> bytes:
        """Return an event that clients ignore."""
        return KEEP_ALIVE

    def _begin(self, model: str) -> Iterator[bytes]:
        if not self._begun:
            self._begun, self._model = True, model
            yield self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _chunk(self, delta: Mapping[str, Any]) -> bytes:
        return _event(self._document(delta))

    def _document(
        self,
        delta: Mapping[str, Any] | None,
        finish_reason: str | None = None,
        logprobs: Any = None,
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        document: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._answer.created,
            "model": self._model,
            "service_tier": "default",
            "choices": [] if delta is None else [choice],
        }
        if self._include_usage:
            document["usage"] = None
        return document


def _event(document: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"
