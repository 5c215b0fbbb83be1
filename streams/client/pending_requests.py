"""Published requests that wait for their replies, by correlation id.

Callers on Kafka and HTTP gateways wait in the same way: a record of the reply topic is handed to
the request whose correlation id it echoes, the first reply counts, and records that are neither a
reply nor a part of an answer are counted and passed over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.kafka.fetch_source import FetchedRecord
from schemas.callers.reply_json import read_reply
from schemas.errors import AnswerChangedError, SluiceError, UndecodableError
from schemas.records import Reply
from streams.client.answer_parts import AnswerPart, correlation_of, read_part

Headers = Iterable[tuple[str, bytes | None]]

MAX_PARTS = 4_096
"""Parts of one answer that are kept for a slow reader. Later ones are dropped: the reply holds the
whole answer, and what was not sent in parts is sent from it.
"""


@dataclass(slots=True, eq=False, kw_only=True)
class PendingRequest:
    """A published request. `news` is set whenever a part or the reply arrives. `request_id` is what
    its reply must state; `None` accepts any.
    """

    request_id: str | None = None
    reply: Reply | None = None
    fault: SluiceError | None = None
    parts: list[AnswerPart] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_ended(self) -> bool:
        """Return whether no more parts arrive."""
        return self.reply is not None or self.fault is not None

    def take(self, headers: Headers, value: bytes | None) -> bool:
        """Note a record, a part or the reply; return whether it is the reply.

        Raises:
            UndecodableError: it is neither, or the reply to another request.
        """
        part = read_part(headers, value)
        if part is not None:
            self.take_part(part)
            return False
        reply = read_reply(value)
        if self.request_id is not None and reply.request_id != self.request_id:
            raise UndecodableError("the reply to another request")
        self.take_reply(reply)
        return True

    def take_reply(self, reply: Reply) -> None:
        """Note the reply; the first counts."""
        if self.reply is None:
            self.reply = reply
            self.news.set()

    def take_part(self, part: AnswerPart) -> None:
        """Note a part of the answer: those of the first call, from its begin and without a gap.
        What is missing, or arrives twice, is sent from the reply.
        """
        begun = self.parts
        is_next = part.sequence == len(begun) and (not begun or begun[0].call_id == part.call_id)
        if is_next and len(begun) < MAX_PARTS:
            begun.append(part)
            self.news.set()

    def fail(self, fault: SluiceError) -> None:
        """End the wait: no reply will be read."""
        if not self.has_ended:
            self.fault = fault
            self.news.set()

    async def changed(self, timeout_s: float) -> bool:
        """Wait for news; return whether there are any within this time."""
        if not self.news.is_set():
            try:
                async with asyncio.timeout(max(timeout_s, 0.0)):
                    await self.news.wait()
            except TimeoutError:
                return False
        self.news.clear()
        return True

    async def ended(self, within_s: float) -> bool:
        """Wait for the reply; return whether the wait ended within this time."""
        until = time.monotonic() + within_s
        while not self.has_ended:
            if not await self.changed(until - time.monotonic()):
                break
        return self.has_ended

    def check_parts(self, reply: Reply) -> None:
        """Check that the parts that arrived belong to the answer of a reply.

        Raises:
            AnswerChangedError: another call answered.
        """
        if self.parts and reply.call_id != self.parts[0].call_id:
            raise AnswerChangedError


RequestT = TypeVar("RequestT", bound=PendingRequest)


class PendingRequests(Generic[RequestT]):
    """The requests that wait in one process. `unreadable` counts records with a correlation id of
    theirs that were neither a reply nor a part of one.
    """

    def __init__(self) -> None:
        self._by_correlation: dict[bytes, RequestT] = {}
        self._failed: SluiceError | None = None
        self.unreadable = 0

    def __len__(self) -> int:
        """Return the number of requests that wait for a reply."""
        return len(self._by_correlation)

    def add(self, correlation: bytes, request: RequestT) -> None:
        """Wait for the reply to a request; it fails at once if replies are read no more."""
        if self._failed is not None:
            request.fail(self._failed)
        self._by_correlation[correlation] = request

    def remove(self, correlation: bytes, request: RequestT) -> None:
        """Wait for the reply to this request no more."""
        if self._by_correlation.get(correlation) is request:
            del self._by_correlation[correlation]

    def take(self, record: FetchedRecord) -> None:
        """Hand a record of the reply topic to its request."""
        correlation = correlation_of(record.headers)
        if correlation is not None:
            self.deliver(correlation, record.headers, record.value)

    def deliver(
        self,
        correlation: bytes,
        headers: Headers,
        value: bytes | None,
    ) -> None:
        """Hand a record to the request that waits for it, if one does."""
        pending = self._by_correlation.get(correlation)
        if pending is None:
            return
        try:
            if pending.take(headers, value):
                del self._by_correlation[correlation]
        except UndecodableError:
            # Another process wrote it, and the reply may still arrive.
            self.unreadable += 1

    def fail(self, fault: SluiceError) -> None:
        """End every wait, and those to come: no more replies are read."""
        self._failed = fault
        for pending in self._by_correlation.values():
            pending.fail(fault)
        self._by_correlation.clear()
