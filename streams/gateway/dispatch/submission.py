"""A request on its way through the log: identity, publishing, and the wait for its reply."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

from core.clock import Clock
from core.kafka.producer import Outgoing
from schemas.callers.headers import CORRELATION_ID
from schemas.errors import KafkaAwayError
from schemas.gateway.cancellation import cancellation_value
from schemas.gateway.headers import CANCELS_UNTIL, REPLY_PARTITION, GatewayHeaders
from schemas.journal_headers import Headers, JournalKind
from schemas.records import Reply
from schemas.topics import GATEWAY_REQUESTS
from streams.client.request_publisher import RequestPublisher, UnconfirmedError
from streams.gateway.dispatch.acceptance import AcceptedResponse
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.request_ids import (
    MAX_ATTEMPT,
    RequestIdentity,
    fresh_identity,
    idempotent_identity,
)
from streams.gateway.dispatch.waiting import WaitingRequest, WaitingRequests
from streams.gateway.errors import GatewayCode, HttpError, invalid

MAX_KNOWN_BODIES = 100_000
"""Idempotency keys whose bodies are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What an endpoint hands to the log.

    `document` makes the record's value for a request id. `key_digest` is the hash of the API key,
    `body_digest` that of path and body. `retry_count` is the SDK's count of its own retries.
    `trace` are the headers `traceparent` and `tracestate`, if given. `accepted` is recorded for a
    response that can be read later.
    """

    document: Callable[[str], bytes]
    stated: GatewayHeaders
    key_digest: str
    body_digest: str
    idempotency_key: str | None = None
    retry_count: int = 0
    trace: Headers = field(default_factory=list)
    accepted: AcceptedResponse | None = None


class Submissions:
    """Submits requests; `own` are the partitions of the reply topic that this process reads from
    its start, `partitions` the number of all.
    """

    def __init__(
        self,
        log: RequestPublisher,
        reader: ReplyReader,
        waiting: WaitingRequests,
        clock: Clock,
        *,
        own: Collection[int],
        partitions: int,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._log = log
        self._reader = reader
        self._waiting = waiting
        self._clock = clock
        self._own = frozenset(own)
        self._partitions = partitions
        self._new_id = new_id
        self._bodies: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def submit(self, wanted: Submission) -> WaitingRequest:
        """Publish a request, or find the one that it repeats.

        Raises:
            KafkaAwayError: no broker answers; the request may be accepted nevertheless.
            DeliveryError: the broker rejected it.
            HttpError: its idempotency key was used with another body here, or the key's attempts
                are used up.
        """
        claim = (wanted.key_digest, wanted.body_digest)
        if wanted.idempotency_key is not None:
            return await self._submit_idempotent(wanted, wanted.idempotency_key)
        if wanted.retry_count > 0:
            claimed = self._waiting.claim(claim)
            if claimed is not None and claimed.fault is None:
                return claimed
        secret = None if wanted.accepted is None else wanted.key_digest
        identity = fresh_identity(self._own, self._partitions, self._new_id, secret)
        return await self._publish(wanted, identity)

    async def _submit_idempotent(self, wanted: Submission, key: str) -> WaitingRequest:
        self._check_body(wanted, key)
        for attempt in range(MAX_ATTEMPT):
            identity = idempotent_identity(
                wanted.key_digest, key, wanted.body_digest, attempt, self._partitions
            )
            reply = await self._reader.sent_reply(identity)
            at = None
            if wanted.accepted is not None:
                at = self._reader.accepted_at(identity, reply)
            if reply is None:
                return await self._publish(wanted, identity, at)
            if not _may_be_repeated(reply):
                found = WaitingRequest(
                    identity=identity, claim=(wanted.key_digest, ""), accepted_at=at or 0
                )
                found.take_reply(reply)
                return found
        raise HttpError(
            409,
            GatewayCode.CONFLICT,
            f"{MAX_ATTEMPT} attempts with this Idempotency-Key failed; use a new key",
        )

    def _check_body(self, wanted: Submission, key: str) -> None:
        """Refuse another body under a known idempotency key, as far as this process knows it."""
        known = self._bodies.setdefault((wanted.key_digest, key), wanted.body_digest)
        if len(self._bodies) > MAX_KNOWN_BODIES:
            self._bodies.popitem(last=False)
        if known != wanted.body_digest:
            raise invalid(
                "Idempotency-Key: it was used with another request body; use a new key for a new "
                "request"
            )

    async def _publish(
        self, wanted: Submission, identity: RequestIdentity, accepted_at: int | None = None
    ) -> WaitingRequest:
        claim = (wanted.key_digest, wanted.body_digest)
        waiting = self._waiting.wait_for(identity, claim)
        waiting.accepted_at = waiting.accepted_at or accepted_at or 0
        record = Outgoing(
            topic=GATEWAY_REQUESTS,
            key=identity.request_id.encode(),
            value=wanted.document(identity.request_id),
            headers=[*_headers(identity, wanted.stated), *wanted.trace],
        )
        try:
            if wanted.accepted is not None and not waiting.accepted_at:
                await self._accept(wanted.accepted, waiting)
        except BaseException:
            self._waiting.release(waiting)
            raise
        try:
            await self._log.publish(record)
        except UnconfirmedError as error:
            # It may be delivered: a retry of the client waits for it instead of paying again.
            error.outcome.add_done_callback(partial(_note_outcome, waiting))
            self._waiting.abandon(waiting)
            raise
        except BaseException:
            self._waiting.release(waiting)
            raise
        return waiting

    async def _accept(self, accepted: AcceptedResponse, waiting: WaitingRequest) -> None:
        """Publish that a response is accepted, before its request."""
        at = self._clock.now()
        await self._log.publish(accepted.record(waiting.identity, at))
        waiting.accepted_at = at

    async def cancel(
        self, identity: RequestIdentity, stated: GatewayHeaders, deadline_at: int
    ) -> None:
        """Publish that a request is cancelled, whose deadline is this broker time, ms.

        Raises:
            KafkaAwayError: no broker answers; the request may be cancelled nevertheless.
            DeliveryError: the broker rejected the record.
        """
        await self._log.publish(
            Outgoing(
                topic=GATEWAY_REQUESTS,
                key=identity.request_id.encode(),
                value=cancellation_value(stated.tenant, identity.request_id),
                headers=[*_headers(identity, stated), (CANCELS_UNTIL, b"%d" % deadline_at)],
            )
        )

    def release(self, waiting: WaitingRequest) -> None:
        """Wait for this request no more: its client has its answer."""
        self._waiting.release(waiting)

    def abandon(self, waiting: WaitingRequest) -> None:
        """Note that the client of a request is gone before its answer."""
        self._waiting.abandon(waiting)


def _headers(identity: RequestIdentity, stated: GatewayHeaders) -> Headers:
    """Return what the record of a request states of it."""
    return [
        (CORRELATION_ID, identity.correlation),
        (REPLY_PARTITION, identity.partition.to_bytes(4, "big")),
        *stated.as_headers(),
    ]


def _note_outcome(waiting: WaitingRequest, outcome: asyncio.Future[object]) -> None:
    if outcome.cancelled() or outcome.exception() is not None:
        waiting.fail(KafkaAwayError("Kafka did not take the request; send it again"))


def _may_be_repeated(reply: Reply) -> bool:
    """Return whether a retry of a failed request is a new attempt."""
    failed = reply.status != JournalKind.REPLIED and reply.error is not None
    return failed and reply.error is not None and reply.error.retryable
