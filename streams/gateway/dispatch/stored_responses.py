"""Responses that are read later: found in the log by their id, at any gateway.

An id says when the response was accepted and where its reply arrives. That partition is read from
this time to the reply, or to its end; from there on the response is followed, so that asking again
needs no search. The reply topic keeps records for a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord
from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.port import StandaloneConsumer
from schemas.errors import KafkaAwayError, UndecodableError
from schemas.records import DAY_MS
from schemas.topics import GATEWAY_REPLIES
from streams.client.answer_parts import correlation_of
from streams.gateway.dispatch.acceptance import AcceptedResponse, accepted_at, read_acceptance
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.request_ids import RequestIdentity
from streams.gateway.dispatch.response_ids import ResponseId
from streams.gateway.dispatch.waiting import WaitingRequest, WaitingRequests

log = logging.getLogger(__name__)

MARGIN_MS = 10_000
"""Time before the acceptance from which a partition is read: the clocks of gateway and broker may
differ by it.
"""

ACCEPTED_WITHIN_MS = 120_000
"""Time after the acceptance in which its record is in the log, retries of the producer included. An
id that a key's owner made up is given up there.
"""

SEARCH_S = 10.0
"""Maximum time of a search, with the wait for others."""

KEPT = 500
"""Responses that are found without reading the log."""

MAX_KEPT_BYTES = 64 * 1024
"""Largest answer among them."""

MAX_KEPT_PARTS = 512
"""Most parts of an answer among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """An accepted response, with its parts and its reply as far as they are there."""

    accepted: AcceptedResponse
    waiting: WaitingRequest

    @property
    def deadline_at(self) -> int:
        """Return the deadline of its request, broker time, ms."""
        return self.waiting.accepted_at + self.accepted.deadline_ms

    @property
    def is_small(self) -> bool:
        """Return whether it may be kept in memory after its end."""
        reply, parts = self.waiting.reply, self.waiting.parts
        if reply is None:
            return True
        return len(reply.message or "") <= MAX_KEPT_BYTES and len(parts) <= MAX_KEPT_PARTS


class StoredResponses:
    """Finds responses. `lookups` reads back; `reader` reads on. `now` is broker time, ms."""

    def __init__(
        self,
        lookups: StandaloneConsumer,
        reader: ReplyReader,
        waiting: WaitingRequests,
        now: Callable[[], int],
    ) -> None:
        self._lookups = lookups
        self._reader = reader
        self._waiting = waiting
        self._now = now
        self._kept: OrderedDict[bytes, StoredResponse] = OrderedDict()
        self._looking = asyncio.Lock()

    def follow(self, accepted: AcceptedResponse, waiting: WaitingRequest) -> None:
        """Keep a response that this process accepted."""
        if not waiting.has_ended:
            self._waiting.follow(waiting)
        self._keep(StoredResponse(accepted=accepted, waiting=waiting))

    async def find(self, wanted: ResponseId, key_digest: str, tenant: str) -> StoredResponse | None:
        """Return a response of this key; `None` if there is none, or none any more.

        Raises:
            KafkaAwayError: the log was not read within `SEARCH_S`.
            SluiceError: as `StandaloneConsumer`.
        """
        if not -DAY_MS <= wanted.accepted_at - self._now() <= MARGIN_MS:
            return None
        identity = wanted.identity(key_digest)
        found = self._kept_one(wanted, identity)
        if found is None:
            found = await self._found_in_log(wanted, identity)
        return found if found is not None and found.accepted.tenant == tenant else None

    async def _found_in_log(
        self, wanted: ResponseId, identity: RequestIdentity
    ) -> StoredResponse | None:
        try:
            async with asyncio.timeout(SEARCH_S), self._looking:
                found = self._kept_one(wanted, identity)
                return found or await self._search(wanted, identity)
        except TimeoutError:
            raise KafkaAwayError(
                f"the response was not found within {SEARCH_S:g} s; retry, and check that the "
                "brokers run"
            ) from None

    async def _search(self, wanted: ResponseId, identity: RequestIdentity) -> StoredResponse | None:
        if wanted.partition >= await self._lookups.partitions(GATEWAY_REPLIES):
            return None
        place = TopicPartition(GATEWAY_REPLIES, wanted.partition)
        await self._reader.read_on(wanted.partition)
        since = max(wanted.accepted_at - MARGIN_MS, 0)
        at = (await self._lookups.offsets_at({place: since}))[place]
        present = (await self._lookups.ends([place]))[place]
        search = _Search(identity, wanted.accepted_at)
        try:
            while not search.is_over:
                end = max(present, self._reader.position(wanted.partition))
                if at >= end:
                    break
                self._lookups.assign({place: at})
                async for records in read_until(self._lookups, {place: end}):
                    search.take_all(records, end)
                    if search.is_vain:
                        return None
                at = end
        finally:
            self._lookups.assign({})
        if search.accepted is None:
            return None
        if not search.is_over:
            # No turn of the loop lies between the last look at the reader's position and this, so
            # that no record is missed. Those that the reader still has to take were read here.
            search.waiting.read_to = at
            self._waiting.follow(search.waiting)
        found = StoredResponse(accepted=search.accepted, waiting=search.waiting)
        self._keep(found)
        return found

    def _kept_one(self, wanted: ResponseId, identity: RequestIdentity) -> StoredResponse | None:
        """Return a response that is kept. A request with the same key and body, after the window of
        retries, has the same correlation id and another time.
        """
        found = self._kept.get(identity.correlation)
        if found is None or found.waiting.accepted_at != wanted.accepted_at:
            return None
        if found.waiting.fault is not None or not found.is_small:
            del self._kept[identity.correlation]
            return found if found.waiting.reply is not None else None
        self._kept.move_to_end(identity.correlation)
        return found

    def _keep(self, found: StoredResponse) -> None:
        if not found.is_small:
            return
        self._kept[found.waiting.identity.correlation] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


class _Search:
    """What the log says of one response."""

    def __init__(self, identity: RequestIdentity, at: int) -> None:
        self.waiting = WaitingRequest(identity=identity, claim=("", ""), accepted_at=at)
        self.accepted: AcceptedResponse | None = None
        self._begun = self._latest = at

    @property
    def is_vain(self) -> bool:
        """Return whether no acceptance can follow any more."""
        return self.accepted is None and self._latest > self._begun + ACCEPTED_WITHIN_MS

    @property
    def is_over(self) -> bool:
        return self.waiting.has_ended and self.accepted is not None

    def take_all(self, records: Sequence[FetchedRecord], end: int) -> None:
        """Note the records before an offset that are of this response."""
        for record in records:
            self._latest = max(self._latest, record.timestamp)
            if record.offset < end and not self.waiting.has_ended:
                self._take(record)

    def _take(self, record: FetchedRecord) -> None:
        if correlation_of(record.headers) != self.waiting.identity.correlation:
            return
        try:
            if accepted_at(record.headers) is None:
                self.waiting.take(record.headers, record.value)
            else:
                self.accepted = self.accepted or read_acceptance(record.value)
        except UndecodableError as error:
            log.warning("a record of the reply topic is unreadable: %s", error)
