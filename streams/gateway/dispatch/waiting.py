"""Requests that wait for their replies, by correlation id, and those whose client is gone."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.errors import KafkaAwayError, SluiceError, UndecodableError
from schemas.records import Reply
from streams.gateway.dispatch.replies import AnswerPart, read_part, read_reply
from streams.gateway.dispatch.request_ids import RequestIdentity

MAX_PARTS = 4_096
"""Parts of one answer that are kept for a slow client. Later ones are dropped: the reply holds the
whole answer, and what was not sent in parts is sent from it."""

ABANDONED_KEPT = 1_000
"""Requests without a client that are kept for a retry."""

FOLLOWED_KEPT = 500
"""Responses without a client that are followed, so that reading one again needs no search."""

ClaimKey = tuple[str, str]
"""Digest of the API key, and digest of path and body."""


@dataclass(slots=True, eq=False)
class WaitingRequest:
    """A published request. `news` is set whenever a part or the reply arrives. `clients` counts the
    connections that wait for it: retries with one idempotency key share it. `accepted_at` is the
    time in the id of a response that can be read later (broker time, ms), else 0; records before
    the offset `read_to` were read for it already.
    """

    identity: RequestIdentity
    claim: ClaimKey
    reply: Reply | None = None
    fault: SluiceError | None = None
    parts: list[AnswerPart] = field(default_factory=list)
    clients: int = 0
    accepted_at: int = 0
    read_to: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_ended(self) -> bool:
        """Return whether no more parts arrive."""
        return self.reply is not None or self.fault is not None

    def take_reply(self, reply: Reply) -> None:
        """Note the reply; the first counts."""
        if self.reply is None:
            self.reply = reply
            self.news.set()

    def take_part(self, part: AnswerPart) -> None:
        """Note a part of the answer."""
        if len(self.parts) < MAX_PARTS:
            self.parts.append(part)
            self.news.set()

    def take(self, headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> bool:
        """Note a record, a part or the reply; return whether it is the reply.

        Raises:
            UndecodableError: it is neither, or a reply to another request.
        """
        part = read_part(headers, value)
        if part is not None:
            self.take_part(part)
            return False
        reply = read_reply(value)
        if reply.request_id != self.identity.request_id:
            raise UndecodableError("the reply to another request")
        self.take_reply(reply)
        return True

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


class WaitingRequests:
    """All requests that wait in this process. `unreadable` counts records that were neither a reply
    nor a part of one.
    """

    def __init__(self) -> None:
        self._by_correlation: dict[bytes, WaitingRequest] = {}
        self._followed: OrderedDict[bytes, WaitingRequest] = OrderedDict()
        self._abandoned: OrderedDict[ClaimKey, deque[WaitingRequest]] = OrderedDict()
        self.unreadable = 0

    def __len__(self) -> int:
        """Return the number of requests that wait for a reply."""
        return len(self._by_correlation)

    def wait_for(self, identity: RequestIdentity, claim: ClaimKey) -> WaitingRequest:
        """Return a new waiting request, or the one that waits for the same reply."""
        found = self._by_correlation.get(identity.correlation)
        if found is None:
            found = WaitingRequest(identity=identity, claim=claim)
            self._by_correlation[identity.correlation] = found
        found.clients += 1
        return found

    def deliver(
        self,
        correlation: bytes,
        headers: tuple[tuple[str, bytes | None], ...],
        value: bytes | None,
        offset: int = 0,
    ) -> None:
        """Hand a record to the requests that wait for it, if one does."""
        waiting = self._by_correlation.get(correlation)
        followed = self._followed.get(correlation)
        if waiting is not None:
            self._hand(waiting, headers, value)
        if followed is not None and followed is not waiting and offset >= followed.read_to:
            self._hand(followed, headers, value)

    def follow(self, waiting: WaitingRequest) -> None:
        """Keep reading for a request that no client may wait for, as long as there is room."""
        self._followed[waiting.identity.correlation] = waiting
        self._followed.move_to_end(waiting.identity.correlation)
        if len(self._followed) <= FOLLOWED_KEPT:
            return
        for correlation, each in self._followed.items():
            if each.clients == 0:
                del self._followed[correlation]
                each.fail(KafkaAwayError("this gateway follows too many responses; ask again"))
                return

    def _hand(
        self,
        waiting: WaitingRequest,
        headers: tuple[tuple[str, bytes | None], ...],
        value: bytes | None,
    ) -> None:
        try:
            is_reply = waiting.take(headers, value)
        except UndecodableError:
            # Another process wrote it, and the reply may still arrive.
            self.unreadable += 1
            return
        if is_reply:
            for held in (self._by_correlation, self._followed):
                if held.get(waiting.identity.correlation) is waiting:
                    del held[waiting.identity.correlation]

    def release(self, waiting: WaitingRequest) -> None:
        """Note that one client waits for a request no more."""
        waiting.clients -= 1
        if waiting.clients > 0:
            return
        if self._by_correlation.get(waiting.identity.correlation) is waiting:
            del self._by_correlation[waiting.identity.correlation]

    def abandon(self, waiting: WaitingRequest) -> None:
        """Keep a request whose client is gone, for a retry of the same client."""
        self._abandoned.setdefault(waiting.claim, deque()).append(waiting)
        self._abandoned.move_to_end(waiting.claim)
        while len(self._abandoned) > ABANDONED_KEPT:
            _, oldest = self._abandoned.popitem(last=False)
            for each in oldest:
                self.release(each)

    def claim(self, claim: ClaimKey) -> WaitingRequest | None:
        """Return a request of the same key, path and body whose client is gone. Each can be claimed
        once.
        """
        found = self._abandoned.get(claim)
        if not found:
            return None
        waiting = found.popleft()
        if not found:
            del self._abandoned[claim]
        return waiting

    def fail(self, fault: SluiceError) -> None:
        """End every wait: no more replies are read."""
        for waiting in (*self._by_correlation.values(), *self._followed.values()):
            waiting.fail(fault)
        self._by_correlation.clear()
        self._followed.clear()
