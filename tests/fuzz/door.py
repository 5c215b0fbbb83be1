"""The classify door over a log in memory that refuses what Kafka would; what must hold there."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from dataclasses import replace

import orjson

from schemas.avro_schemas import VALUES
from schemas.errors import RecordTooLargeError
from schemas.identity import split_identity
from schemas.mapping import from_record
from schemas.records import TierMessage
from schemas.schema_registry import KnownSchemas, MemoryRegistry
from schemas.topics import (
    RECORD_OVERHEAD_BYTES,
    REPLIES,
    REQUESTS,
    dead_letter_topic,
    declared_topics,
    is_tier_topic,
)
from streams.agents.classify import classify
from streams.agents.codecs import Codecs
from streams.agents.dependencies import Dependencies
from streams.agents.execute import execute
from streams.flow.dead_letters import DeadLetterLimit, DeadLetters
from streams.flow.delivery import Delivered, Outgoing, size_of
from streams.flow.incoming import Incoming
from streams.flow.intake import Lane, Work
from streams.flow.memory import MemoryLog
from streams.flow.slots import Slots
from streams.providers import anthropic_format, openai_format
from streams.providers.answers import encode
from streams.providers.base import ChatCall, ProviderError, Timeouts
from tests.fuzz.inputs import Input
from tests.unit.agents.world import World

LIMITS = {topic.name: topic.max_message_bytes for topic in declared_topics()}
REPLY_TOPICS = frozenset({REPLIES, "replies.mine"})
LONGEST_REASON = 2_048
EXECUTED_SHARE = 10
"""One in so many is answered as well."""

_WORLD_LASTS = 2_000
_NEVER = DeadLetterLimit(window=1_000_000_000)


class BrokenPromiseError(Exception):
    """What came of an input is not what must come of any."""


class _StrictLog:
    """The memory log with a broker's limits."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.sent: list[Outgoing] = []

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        if size_of(record) > LIMITS[record.topic] - RECORD_OVERHEAD_BYTES:
            raise RecordTooLargeError(f"{size_of(record)} bytes for {record.topic}")
        return await self._keep(record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        return await self._keep(record)

    async def _keep(self, record: Outgoing) -> Awaitable[Delivered]:
        for name, value in record.headers:
            name.encode()
            if not isinstance(value, bytes):
                raise BrokenPromiseError(f"header {name!r} holds no bytes")
        self.sent.append(record)
        return await self._log.publish(replace(record, partition=None))


class Door:
    """Takes inputs one after the other, JSON and Avro with and without a schema registry."""

    def __init__(self) -> None:
        self._taken = 0
        self.accepted = self.refused = self.dead = 0

    async def take(self, given: Input) -> None:
        """Take an input, and see that what came of it is right.

        Raises:
            BrokenPromiseError: it is not.
            Exception: whatever the door let through.
        """
        if self._taken % _WORLD_LASTS == 0:
            await self._anew()
        self._taken += 1
        plain_or_framed = self._deps[given.kind == "framed" or self._taken % 8 == 0]
        self._log.sent.clear()
        message = Incoming(
            topic=REQUESTS,
            partition=0,
            offset=self._taken,
            timestamp=self._world.clock.now() - given.ago_ms,
            key=given.key,
            value=given.value,
            headers=given.headers,
        )
        await classify(Work(message=message, slots=Slots(1), lane=Lane()), plain_or_framed)
        sent = list(self._log.sent)
        work = [record for record in sent if is_tier_topic(record.topic)]
        dead = [record for record in sent if record.topic == dead_letter_topic(REQUESTS)]
        if len(work) + len(dead) != 1:
            raise BrokenPromiseError(f"went to {[record.topic for record in sent]}")
        self._replies_go_where_they_may(sent)
        if dead:
            self.dead += 1
            return
        hop = self._hop(work[0], plain_or_framed)
        if hop.verdict is None:
            self.accepted += 1
            _can_be_asked(hop)
        else:
            self.refused += 1
        if self._taken % EXECUTED_SHARE == 0:
            await self._answered(work[0], plain_or_framed)

    async def _anew(self) -> None:
        self._world = World()
        deps = await self._world.worker()
        self._log = _StrictLog(self._world.log)
        known = KnownSchemas(MemoryRegistry())
        await known.register(VALUES)
        plain = replace(
            deps,
            publisher=self._log,
            dead_letters=DeadLetters(self._log, "fuzz", _NEVER),
        )
        self._deps = (plain, replace(plain, codecs=Codecs(known)))

    def _hop(self, record: Outgoing, deps: Dependencies) -> TierMessage:
        codec = deps.codecs.tier_message
        hop = from_record(TierMessage, codec.decode(record.value or b""))
        tenant, request_id = split_identity(record.key or b"")
        if (tenant, request_id) != (hop.tenant, hop.request_id) or "/" in request_id:
            raise BrokenPromiseError("the key is not the request's identity")
        score = hop.decision.score
        if score is not None and not 0 <= score <= 1:
            raise BrokenPromiseError(f"a score of {score}")
        if any(not math.isfinite(each) for each in hop.retrieval_scores):
            raise BrokenPromiseError("a retrieval score that is no number")
        if hop.verdict is not None and len(hop.verdict.message) > LONGEST_REASON:
            raise BrokenPromiseError(f"a reason of {len(hop.verdict.message)} characters")
        return hop

    async def _answered(self, record: Outgoing, deps: Dependencies) -> None:
        self._log.sent.clear()
        message = Incoming(
            topic=record.topic,
            partition=0,
            offset=self._taken,
            timestamp=self._world.clock.now(),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        slots = Slots(1)
        await slots.take()
        await execute(Work(message=message, slots=slots, lane=Lane()), deps)
        self._replies_go_where_they_may(self._log.sent)

    @staticmethod
    def _replies_go_where_they_may(sent: list[Outgoing]) -> None:
        for record in sent:
            if record.topic not in LIMITS and record.topic not in REPLY_TOPICS:
                raise BrokenPromiseError(f"a reply to {record.topic!r}")


def _can_be_asked(hop: TierMessage) -> None:
    """What was let in can be put into each provider's words, or is refused by name."""
    call = ChatCall(
        call_id="c",
        model="m",
        body=orjson.loads(hop.body),
        timeouts=Timeouts(),
        max_output_tokens=100,
    )
    for words in (
        lambda: openai_format.request_body(call, genuine=True),
        lambda: openai_format.request_body(call, genuine=False),
        lambda: anthropic_format.request_body(call),
    ):
        try:
            encode(words())
        except ProviderError:
            continue
