"""Requests of HTTP clients that wait for their replies, and those whose client is gone."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from core.kafka.fetch_source import FetchedRecord
from schemas.errors import KafkaAwayError, SluiceError, UndecodableError
from streams.client.answer_parts import correlation_of
from streams.client.pending_requests import PendingRequest, PendingRequests
from streams.gateway.dispatch.acceptance import accepted_at
from streams.gateway.dispatch.request_ids import RequestIdentity

ABANDONED_KEPT = 1_000
"""Requests without a client that are kept for a retry."""

FOLLOWED_KEPT = 500
"""Responses without a client that are followed, so that reading one again needs no search."""

ClaimKey = tuple[str, str]
"""Digest of the API key, and digest of path and body."""


@dataclass(slots=True, eq=False, kw_only=True)
class WaitingRequest(PendingRequest):
    """A published request of an HTTP client. `clients` counts the connections that wait for it:
    retries with one idempotency key share it. `accepted_at` is the time in the id of a response
    that can be read later (broker time, ms), else 0; records before the offset `read_to` were read
    for it already.
    """

    identity: RequestIdentity
    claim: ClaimKey
    clients: int = 0
    accepted_at: int = 0
    read_to: int = 0

    def __post_init__(self) -> None:
        """Its reply is to its id alone."""
        self.request_id = self.identity.request_id


class WaitingRequests(PendingRequests[WaitingRequest]):
    """All requests of HTTP clients that wait in this process."""

    def __init__(self) -> None:
        super().__init__()
        self._followed: OrderedDict[bytes, WaitingRequest] = OrderedDict()
        self._abandoned: OrderedDict[ClaimKey, deque[WaitingRequest]] = OrderedDict()
        self._abandoned_count = 0

    def wait_for(self, identity: RequestIdentity, claim: ClaimKey) -> WaitingRequest:
        """Return a new waiting request, or the one that waits for the same reply."""
        found = self._by_correlation.get(identity.correlation)
        if found is None or found.fault is not None:
            found = WaitingRequest(identity=identity, claim=claim)
            self.add(identity.correlation, found)
        found.clients += 1
        return found

    def take(self, record: FetchedRecord) -> None:
        """Hand a record of the reply topic to the requests that wait for it."""
        correlation = correlation_of(record.headers)
        if correlation is None or accepted_at(record.headers) is not None:
            return
        followed = self._followed.get(correlation)
        if followed is not None and followed is not self._by_correlation.get(correlation):
            self._hand(followed, record)
        self.deliver(correlation, record.headers, record.value)
        if followed is not None and followed.has_ended:
            self._followed.pop(correlation, None)

    def follow(self, waiting: WaitingRequest) -> None:
        """Keep reading for a request that no client may wait for, as long as there is room."""
        if self._failed is not None:
            waiting.fail(self._failed)
            return
        self._followed[waiting.identity.correlation] = waiting
        self._followed.move_to_end(waiting.identity.correlation)
        if len(self._followed) <= FOLLOWED_KEPT:
            return
        for correlation, each in self._followed.items():
            if each.clients == 0:
                del self._followed[correlation]
                each.fail(KafkaAwayError("this gateway follows too many responses; ask again"))
                return

    def fail(self, fault: SluiceError) -> None:
        """See `PendingRequests.fail`."""
        super().fail(fault)
        for each in self._followed.values():
            each.fail(fault)
        self._followed.clear()

    def _hand(self, followed: WaitingRequest, record: FetchedRecord) -> None:
        if record.offset < followed.read_to:
            return
        try:
            followed.take(record.headers, record.value)
        except UndecodableError:
            # Another process wrote it, and the reply may still arrive.
            self.unreadable += 1

    def release(self, waiting: WaitingRequest) -> None:
        """Note that one client waits for a request no more."""
        waiting.clients -= 1
        if waiting.clients <= 0:
            self.remove(waiting.identity.correlation, waiting)

    def abandon(self, waiting: WaitingRequest) -> None:
        """Keep a request whose client is gone, for a retry of the same client."""
        self._abandoned.setdefault(waiting.claim, deque()).append(waiting)
        self._abandoned.move_to_end(waiting.claim)
        self._abandoned_count += 1
        while self._abandoned_count > ABANDONED_KEPT:
            longest_unused = next(iter(self._abandoned))
            oldest = self.claim(longest_unused)
            if oldest is not None:
                self.release(oldest)

    def claim(self, claim: ClaimKey) -> WaitingRequest | None:
        """Return a request of the same key, path and body whose client is gone. Each can be claimed
        once.
        """
        found = self._abandoned.get(claim)
        if not found:
            return None
        waiting = found.popleft()
        self._abandoned_count -= 1
        if not found:
            del self._abandoned[claim]
        return waiting
