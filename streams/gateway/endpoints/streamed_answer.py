"""The events of one streamed answer, from the parts and the reply of its request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from core.clock import Clock
from schemas.errors import SluiceError
from schemas.journal_headers import JournalKind
from schemas.records import Reply
from streams.gateway.dialects.port import AnswerStream
from streams.gateway.dispatch.waiting import WaitingRequest
from streams.gateway.endpoints.failures import http_error, out_of_time, unexpected
from streams.gateway.errors import of_failure

KEEP_ALIVE_S = 15.0
"""Interval of keep-alive events in a stream without news."""

OK = "ok"
DISCONNECTED = "disconnected"


@dataclass(slots=True)
class AnswerEvents:
    """A stream to one client. `until_ms` is its deadline by the monotonic counter; `ended` is
    called once, with the code of its end.
    """

    waiting: WaitingRequest
    stream: AnswerStream
    clock: Clock
    until_ms: float
    ended: Callable[[str], None]
    _sent: int = 0

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the events to the end of the answer; those that are ready together as one piece."""
        code = DISCONNECTED
        try:
            for event in self.stream.begin():
                yield event
            while not self.waiting.has_ended:
                if ready := b"".join(self._parts()):
                    yield ready
                left_s = (self.until_ms - self.clock.elapsed_ms()) / 1000
                if left_s <= 0:
                    break
                if not await self.waiting.changed(min(left_s, KEEP_ALIVE_S)):
                    yield self.stream.keep_alive()
            code, last = OK, list(self._parts())
            try:
                last.extend(self._end())
            except SluiceError as error:
                failure = http_error(error)
                code = str(failure.code)
                last.extend(self.stream.fail(failure))
            yield b"".join(last)
        finally:
            self.ended(code)

    def _parts(self) -> Iterator[bytes]:
        """Yield the events of the parts that arrived."""
        while self._sent < len(self.waiting.parts):
            part = self.waiting.parts[self._sent]
            self._sent += 1
            yield from self.stream.part(part)

    def _end(self) -> Iterator[bytes]:
        """Yield the rest of the answer.

        Raises:
            SluiceError: there is none, or it is another one than that whose parts were sent.
        """
        reply = reply_of(self.waiting)
        if reply.status != JournalKind.REPLIED:
            raise unexpected() if reply.error is None else of_failure(reply.error)
        self.waiting.check_parts(reply)
        yield from self.stream.end(reply)


def reply_of(waiting: WaitingRequest) -> Reply:
    """Return the reply of a request whose wait is over.

    Raises:
        SluiceError: there is none: its deadline passed, or reading failed.
    """
    if waiting.fault is not None:
        raise waiting.fault
    if waiting.reply is None:
        raise out_of_time()
    return waiting.reply
