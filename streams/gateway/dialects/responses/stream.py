"""Stream of a response: events from parts of the answer, the rest from the reply. Pure.

The events of a request are a function of its parts and its reply in the log, so each reader of the
log numbers them alike. Numbers begin at 0 and have no gaps. There is no `[DONE]`.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from schemas.records import Reply
from streams.client.answer_parts import AnswerPart
from streams.client.sent_answer import Unsent, unsent_blocks
from streams.gateway.dialects.answer import AnsweredRequest, BegunAnswer
from streams.gateway.dialects.responses.answer import (
    COMPLETED,
    IN_PROGRESS,
    INCOMPLETE,
    QUEUED,
    empty_response,
    finished_response,
)
from streams.gateway.dialects.responses.output_events import OutputEvents, steps_of
from streams.gateway.dialects.responses.state import ended_response
from streams.gateway.errors import HttpError

KEEP_ALIVE = b": keep-alive\n\n"


class ResponseEvents:
    """The events of one response, as server-sent events; only those with a number above `after`."""

    def __init__(self, begun: BegunAnswer, *, after: int = -1) -> None:
        self._begun = begun
        self._after = after
        self._numbers = 0
        self._model = ""
        self._was_created = False
        self._is_in_progress = False
        self._sent = Unsent()
        self._output = OutputEvents(begun.request_id)

    def begin(self) -> Iterator[bytes]:
        """Yield the events of a request that runs in the background, which waits in the log."""
        if self._begun.parsed.background:
            yield from self._create(QUEUED)
            yield from self._of_response("queued", empty_response(self._begun, QUEUED))

    def part(self, part: AnswerPart) -> Iterator[bytes]:
        """Yield the events of a part of the answer."""
        yield from self._proceed(part.model)
        for step in steps_of(part.delta):
            if self._output.accepts(step):
                self._sent.note(step)
                yield from self._numbered(self._output.take(step))

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Yield the rest of an answer, and the end of the stream.

        Raises:
            AnswerChangedError: what was sent is not the beginning of this answer.
        """
        answered = AnsweredRequest(reply=reply, begun=self._begun)
        rest = [
            step
            for delta in unsent_blocks(answered.message, self._sent)
            for step in steps_of(delta)
        ]
        rest.sort(key=lambda step: not self._output.continues(step))
        yield from self._proceed(reply.model or "")
        for step in rest:
            yield from self._numbered(self._output.take(step))
        done = finished_response(self._begun, reply, (), answered.ended)
        is_complete = done["status"] == COMPLETED
        unfinished = self._output.output(COMPLETED if is_complete else INCOMPLETE)
        yield from self._numbered(self._output.close(complete=is_complete))
        yield from self._of_response(done["status"], {**done, "output": unfinished})

    def fail(self, error: HttpError) -> Iterator[bytes]:
        """Yield the end of a stream that can't be completed."""
        yield from self._proceed("")
        output = self._output.output(INCOMPLETE)
        failed = ended_response(self._begun, error, output=output, model=self._model)
        yield from self._of_response("failed", failed)

    def keep_alive(self) -> bytes:
        """Return an event that clients ignore."""
        return KEEP_ALIVE

    def _proceed(self, model: str) -> Iterator[bytes]:
        """Yield the events before the first output."""
        yield from self._create(IN_PROGRESS, model)
        if not self._is_in_progress:
            self._is_in_progress, self._model = True, model
            begun = empty_response(self._begun, IN_PROGRESS, model)
            yield from self._of_response(IN_PROGRESS, begun)

    def _create(self, status: str, model: str = "") -> Iterator[bytes]:
        if not self._was_created:
            self._was_created = True
            yield from self._of_response("created", empty_response(self._begun, status, model))

    def _of_response(self, name: str, response: Mapping[str, Any]) -> Iterator[bytes]:
        yield from self._event({"type": f"response.{name}", "response": response})

    def _numbered(self, events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        for event in events:
            yield from self._event(event)

    def _event(self, document: dict[str, Any]) -> Iterator[bytes]:
        number = document["sequence_number"] = self._numbers
        self._numbers += 1
        if number <= self._after:
            return
        kind = str(document["type"]).encode()
        yield b"event: " + kind + b"\ndata: " + orjson.dumps(document) + b"\n\n"
