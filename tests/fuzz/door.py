"""The classify agent over a log in memory that refuses what Kafka would, and its invariants.

Accepted requests go on to both adapters: their requests are built, answers of every kind are read,
and a share of them is executed over a transport in memory.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable
from dataclasses import replace
from random import Random

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Delivered, Outgoing, size_of
from core.schema_registry import KnownSchemas, MemoryRegistry
from schemas.encoding import exact_json
from schemas.encoding.avro_mapping import from_record
from schemas.encoding.avro_schemas import VALUES
from schemas.errors import RecordTooLargeError
from schemas.identity import split_identity
from schemas.records import TierMessage
from schemas.topic_declarations import declared_topics
from schemas.topics import (
    COST,
    RECORD_OVERHEAD_BYTES,
    REPLIES,
    REQUESTS,
    dead_letter_topic,
    is_tier_topic,
)
from streams.agents.classify.handler import classify
from streams.agents.context.dependencies import Dependencies
from streams.agents.execute.handler import execute
from streams.bad_input.dead_letters import DeadLetterLimit, DeadLetters
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.journal.in_memory_log import MemoryLog
from streams.providers.anthropic.adapter import AnthropicProvider
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.openai.adapter import OpenAIProvider
from tests.fuzz.dialogue import REGISTRY, BrokenPromiseError, Vendors, hold_dialogue
from tests.fuzz.inputs import Input
from tests.unit.agents.world import World

LIMITS = {topic.name: topic.max_message_bytes for topic in declared_topics()}
REPLY_TOPICS = frozenset({REPLIES, "replies.mine"})
LONGEST_REASON = 2_048
EXECUTED_SHARE = 10
"""One in so many is answered as well."""

_WORLD_LASTS = 2_000
FAULT = "adapter_fault"
_NEVER = DeadLetterLimit(window=1_000_000_000)


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
    """Takes inputs one after the other, JSON and Avro with and without a schema registry.

    `held_s` is how long (CPU, s) the last one was classified.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._draw = Random(0)
        self.accepted = self.refused = self.dead = 0
        self.held_s = 0.0

    async def take(self, given: Input) -> None:
        """Take an input, and see that what came of it is right.

        Raises:
            BrokenPromiseError: it is not.
            Exception: whatever the door let through.
        """
        if self._taken % _WORLD_LASTS == 0:
            await self._restart()
        self._taken += 1
        self._draw.seed(given.value or b"")
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
        begun = time.thread_time()
        await classify(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()),
            plain_or_framed,
        )
        self.held_s = time.thread_time() - begun
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
            hold_dialogue(exact_json.loads(hop.body), self._draw)
        else:
            self.refused += 1
        if self._taken % EXECUTED_SHARE == 0:
            await self._answered(work[0], plain_or_framed)

    async def _restart(self) -> None:
        self._world = World(registry=REGISTRY)
        deps = await self._world.worker()
        vendors, ring = Vendors(self._draw), KeyRing(environment={})
        kinds = (OpenAIProvider, AnthropicProvider)
        providers = {kind.name: kind(ring, HostPolicy(), client=lambda: vendors) for kind in kinds}
        self._log = _StrictLog(self._world.log)
        known = KnownSchemas(MemoryRegistry())
        await known.register(VALUES)
        letters = DeadLetters(self._log, "fuzz", _NEVER)
        kafka = replace(deps.kafka, publisher=self._log, dead_letters=letters)
        plain = replace(deps, kafka=kafka, calls=replace(deps.calls, providers=providers))
        framed = replace(plain, kafka=replace(kafka, codecs=Codecs(known)))
        self._deps = (plain, framed)

    def _hop(self, record: Outgoing, deps: Dependencies) -> TierMessage:
        codec = deps.kafka.codecs.tier_message
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
        slots = ConcurrencyLimiter(1)
        await slots.take()
        await execute(Work(message=message, slots=slots, lane=PartitionState()), deps)
        self._replies_go_where_they_may(self._log.sent)
        for sent in self._log.sent:
            if (
                sent.topic == COST
                and deps.kafka.codecs.cost.decode(sent.value or b"")["status"] == FAULT
            ):
                raise BrokenPromiseError("an adapter failed")

    @staticmethod
    def _replies_go_where_they_may(sent: list[Outgoing]) -> None:
        for record in sent:
            if record.topic not in LIMITS and record.topic not in REPLY_TOPICS:
                raise BrokenPromiseError(f"a reply to {record.topic!r}")
