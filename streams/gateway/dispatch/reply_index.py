"""Index of a partition of the gateway's reply topic.

It holds the offset of each reply of the last 15 minutes, the time for which a request id is
deduplicated, so that a retry finds the reply of its first attempt; and when each response that can
be read later was accepted, so that the retry gets the same id.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from core.kafka.fetch_source import FetchedRecord
from schemas.gateway.headers import CALL_ID
from schemas.identity import DUPLICATE_WINDOW_MS
from streams.client.answer_parts import correlation_of
from streams.gateway.dispatch.acceptance import accepted_at

MAX_INDEXED = 200_000
"""Entries in the index of one partition; the oldest are forgotten beyond."""


@dataclass(frozen=True, slots=True)
class SentReply:
    """Offset of a reply, and its broker time, ms."""

    offset: int
    at: int


@dataclass(slots=True)
class ReplyIndex:
    """Replies and accepted responses of a partition by correlation id, complete since `since` (ms).
    `accepted` are times of acceptance, ms. `order` tells the kind of an entry: true for a reply.
    """

    since: int
    replies: dict[bytes, SentReply] = field(default_factory=dict)
    accepted: dict[bytes, int] = field(default_factory=dict)
    order: deque[tuple[int, bool, bytes]] = field(default_factory=deque)

    def note(self, record: FetchedRecord) -> None:
        """Note a record; the first reply of a correlation id counts, and the first acceptance."""
        correlation = correlation_of(record.headers)
        is_part = any(name == CALL_ID for name, _ in record.headers)
        if correlation is None or is_part:
            return
        at = accepted_at(record.headers)
        if correlation in (self.replies if at is None else self.accepted):
            return
        if at is None:
            self.replies[correlation] = SentReply(record.offset, record.timestamp)
        else:
            self.accepted[correlation] = at
        self.order.append((record.timestamp, at is None, correlation))
        self._forget_before(record.timestamp - DUPLICATE_WINDOW_MS)

    def continue_with(self, later: ReplyIndex) -> None:
        """Add the entries of a later index of the same partition."""
        self.replies = {**later.replies, **self.replies}
        self.accepted = {**later.accepted, **self.accepted}
        self.order.extend(later.order)

    def _forget_before(self, oldest: int) -> None:
        while self.order and (self.order[0][0] < oldest or len(self.order) > MAX_INDEXED):
            _, is_reply, correlation = self.order.popleft()
            if is_reply:
                self.replies.pop(correlation, None)
            else:
                self.accepted.pop(correlation, None)
