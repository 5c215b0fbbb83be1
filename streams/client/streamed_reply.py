"""The parts of one answer, in order, as a client takes them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from streams.client.answer_parts import AnswerPart
from streams.client.request_outcome import ReceivedReply
from streams.client.sent_answer import Unsent, unsent
from streams.client.sent_request import SentRequest


class StreamedReply:
    """An iterator of the parts of an answer, to be used once; `reply` is there after the last. The
    parts together are the whole answer: what did not arrive in parts is cut from the reply.

        stream = client.stream("Write a poem.")
        async for part in stream:
            print(part.text, end="")
        print(stream.reply.cost_usd)
    """

    def __init__(self, prepare: Callable[[], SentRequest]) -> None:
        self._prepare = prepare
        self.reply: ReceivedReply | None = None

    def __aiter__(self) -> AsyncIterator[AnswerPart]:
        """Send the request, and return its parts. Raises as `SluiceClient.stream`."""
        return self._parts()

    async def _parts(self) -> AsyncIterator[AnswerPart]:
        request, sent, taken = self._prepare(), Unsent(), 0
        until = time.monotonic() + request.timeout_s
        async with request.published() as pending:
            while True:
                while taken < len(pending.parts):
                    part = pending.parts[taken]
                    taken += 1
                    sent.note(part.delta)
                    yield part
                if pending.has_ended or not await pending.changed(until - time.monotonic()):
                    break
            received = request.outcome(pending).answer()
        reply = received.reply
        pending.check_parts(reply)
        for number, delta in enumerate(unsent(received.message, sent), taken):
            yield AnswerPart(
                call_id=reply.call_id or "", sequence=number, model=reply.model or "", delta=delta
            )
        self.reply = received
