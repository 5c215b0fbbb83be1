"""One request of a client on its way: its record, the wait for its reply, and how it ended."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from core.kafka.producer import Outgoing
from schemas.callers.headers import CORRELATION_ID, REPLY_TOPIC
from schemas.encoding import exact_json
from schemas.errors import InvalidRequestError
from schemas.gateway.headers import STREAM, YES
from schemas.journal_headers import Headers
from schemas.topics import REPLIES
from streams.client.pending_requests import PendingRequest, PendingRequests
from streams.client.request_outcome import ReceivedReply, RequestOutcome
from streams.client.request_publisher import RequestPublisher
from streams.client.settings import ClientSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request with its correlation id. `stream` asks for the answer in parts. `note` tells what
    is known of a missing reply.
    """

    document: Mapping[str, Any]
    correlation: bytes
    settings: ClientSettings
    publisher: RequestPublisher
    waiting: PendingRequests[PendingRequest]
    timeout_s: float
    stream: bool
    note: Callable[[], str]
    begun_s: float = field(default_factory=time.perf_counter)

    @asynccontextmanager
    async def published(self) -> AsyncIterator[PendingRequest]:
        """Publish the request, and wait for its reply until the context ends. Raises as
        `SluiceClient.ask`.
        """
        record, pending = self.record(), PendingRequest()
        self.waiting.add(self.correlation, pending)
        try:
            await self.publisher.publish(record)
            yield pending
        finally:
            self.waiting.remove(self.correlation, pending)

    def record(self) -> Outgoing:
        """Return the record of the request.

        Raises:
            InvalidRequestError: it can't be written as JSON.
        """
        try:
            value = exact_json.dumps(self.document)
        except (TypeError, ValueError) as error:
            raise InvalidRequestError(f"the request can't be written as JSON: {error}") from None
        topic = self.settings.reply_topic
        headers: Headers = [(CORRELATION_ID, self.correlation)]
        if topic != REPLIES:
            headers.append((REPLY_TOPIC, topic.encode()))
        if self.stream:
            headers.append((STREAM, YES))
        return Outgoing(
            topic=self.settings.request_topic,
            key=str(self.document["request_id"]).encode(),
            value=value,
            headers=headers,
        )

    def outcome(self, pending: PendingRequest) -> RequestOutcome:
        """Return how the request ended.

        Raises:
            SluiceError: replies can't be read any more.
        """
        if pending.fault is not None:
            raise pending.fault
        received = None
        if pending.reply is not None:
            waited_ms = (time.perf_counter() - self.begun_s) * 1000
            received = ReceivedReply(reply=pending.reply, waited_ms=waited_ms)
        return RequestOutcome(
            request=self.document, reply=received, waited_s=self.timeout_s, note=self.note()
        )
