"""Requests of HTTP clients that wait for their replies, and those whose client is gone."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from streams.client.pending_requests import PendingRequest, PendingRequests
from streams.gateway.dispatch.request_ids import RequestIdentity

ABANDONED_KEPT = 1_000
"""Requests without a client that are kept for a retry."""

ClaimKey = tuple[str, str]
"""Digest of the API key, and digest of path and body."""


@dataclass(slots=True, eq=False, kw_only=True)
class WaitingRequest(PendingRequest):
    """A published request of an HTTP client. `clients` counts the connections that wait for it:
    retries with one idempotency key share it.
    """

    identity: RequestIdentity
    claim: ClaimKey
    clients: int = 0

    def __post_init__(self) -> None:
        """Its reply is to its id alone."""
        self.request_id = self.identity.request_id


class WaitingRequests(PendingRequests[WaitingRequest]):
    """All requests of HTTP clients that wait in this process."""

    def __init__(self) -> None:
        super().__init__()
        self._abandoned: OrderedDict[ClaimKey, deque[WaitingRequest]] = OrderedDict()

    def wait_for(self, identity: RequestIdentity, claim: ClaimKey) -> WaitingRequest:
        """Return a new waiting request, or the one that waits for the same reply."""
        found = self._by_correlation.get(identity.correlation)
        if found is None:
            found = WaitingRequest(identity=identity, claim=claim)
            self.add(identity.correlation, found)
        found.clients += 1
        return found

    def release(self, waiting: WaitingRequest) -> None:
        """Note that one client waits for a request no more."""
        waiting.clients -= 1
        if waiting.clients <= 0:
            self.remove(waiting.identity.correlation, waiting)

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
