"""A message that fails in an agent, or ends its worker: it ends once, and its partition goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas.codec import Codec
from schemas.identity import reply_digest
from schemas.records import Decision, ReplyAddress, Source, TierMessage
from schemas.topics import (
    ALERTS,
    FEEDBACK,
    QUALITY,
    REPLIES,
    REQUESTS,
    dead_letter_topic,
    tier_topic,
    wait_topic,
)
from streams.agents.codecs import Codecs
from streams.agents.tier_records import tier_record, wait_record
from tests.rig.books import reconcile, settle
from tests.rig.poisoned_worker import mark
from tests.rig.stack import Stack
from tests.rig.topic_reader import TopicReader, topic_reader

NAMES = ("worker-1", "worker-2")
PARTITION = 1
ENDS_BY_S = 90.0
TIER = tier_topic("simple")
WAIT = wait_topic(1)

POISON = {
    "classify/raise": REQUESTS,
    "classify/exit": REQUESTS,
    "execute/raise": TIER,
    "execute/leave": TIER,
    "wait/raise": WAIT,
}
"""Where a message that fails so lies when it does. All of them are requests."""


@pytest.fixture(scope="module")
def pair(pipeline: Stack) -> Iterator[Stack]:
    """The pipeline with two workers in which marked messages fail, in place of its own."""
    pipeline.processes["worker-1"].stop()
    for number in (1, 2):
        start(pipeline, number)
    try:
        for name in NAMES:
            pipeline.processes[name].wait_ready(pipeline.ready(name), 30)
        yield pipeline
    finally:
        for name in NAMES:
            pipeline.processes[name].stop()
        del pipeline.processes["worker-2"]
        pipeline.start_worker()


def start(stack: Stack, number: int) -> None:
    stack.start_worker(
        number, wait=False, module="tests.rig.poisoned_worker", SLUICE_SESSION_TIMEOUT_S="6"
    )


async def keep_alive(stack: Stack, restarts: Counter[str]) -> None:
    """Start what ended again, as a supervisor does."""
    while True:
        for number, name in enumerate(NAMES, 1):
            if not stack.processes[name].alive:
                restarts[name] += 1
                start(stack, number)
        await asyncio.sleep(0.1)


class Caller:
    """Sends requests to one partition, and knows what came of them."""

    def __init__(self, producer: AIOKafkaProducer, reader: TopicReader, run: str) -> None:
        self._producer = producer
        self._reader = reader
        self._run = run
        self.sent: dict[str, bytes] = {}

    async def request(self, name: str, prompt: str) -> str:
        request_id = f"{self._run}-{name.replace('/', '-')}"
        body = {"prompt": prompt, "request_id": request_id, "tier": "simple"}
        self.sent[request_id] = orjson.dumps(body)
        await self.put(REQUESTS, self.sent[request_id])
        return request_id

    async def put(self, topic: str, value: bytes | None, **more: Any) -> None:
        await self._producer.send_and_wait(topic, value, partition=PARTITION, **more)

    async def waiting(self, name: str, prompt: str) -> str:
        """A hop that waits for capacity, as execute parks one."""
        request_id = f"{self._run}-{name.replace('/', '-')}"
        hop = _hop(request_id, prompt)
        record = wait_record(tier_record(hop, Codecs()), 1, PARTITION)
        self.sent[request_id] = record.value or b""
        await self.put(WAIT, record.value, key=record.key, headers=record.headers)
        return request_id

    def replies(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for record in self._reader.of(REPLIES):
            reply = orjson.loads(record.value)
            found.setdefault(reply["request_id"], []).append(reply)
        return {name: found[name] for name in self.sent if name in found}

    def dead(self, topic: str, value: bytes) -> list[ConsumerRecord]:
        return [each for each in self._reader.of(dead_letter_topic(topic)) if value in each.value]

    def alerts(self, topic: str) -> list[dict[str, Any]]:
        found = [Codec("Alert").decode(record.value) for record in self._reader.of(ALERTS)]
        return [each for each in found if each["subject"] == topic]


def _hop(request_id: str, prompt: str) -> TierMessage:
    now = int(time.time() * 1000)
    decision = Decision(
        classifier="rules",
        score=0.1,
        tier="simple",
        model=None,
        reasons=("short",),
        registry_version="v",
        code_version="1",
    )
    reply_to = ReplyAddress(
        topic=REPLIES,
        partition=None,
        key=None,
        format="json",
        headers=(),
        digest=reply_digest(REPLIES, b""),
    )
    return TierMessage(
        tenant="default",
        request_id=request_id,
        source=Source(topic=REQUESTS, partition=PARTITION, offset=10**9, timestamp=now),
        hop=0,
        visit=1,
        tier="simple",
        body=orjson.dumps({"messages": [{"role": "user", "content": prompt}]}),
        user_id=None,
        user_tier=None,
        feature=None,
        quality="balanced",
        deadline_at=now + 600_000,
        reply_to=reply_to,
        decision=decision,
    )


def test_poison_in_every_agent_ends_once_over_restarts_and_the_partition_goes_on(
    pair: Stack, own_name: str
) -> None:
    restarts: Counter[str] = Counter()

    async def whole() -> Caller:
        topics = [REPLIES, ALERTS, QUALITY, *map(dead_letter_topic, {*POISON.values(), FEEDBACK})]
        async with (
            AIOKafkaProducer(bootstrap_servers=pair.bootstrap) as producer,
            topic_reader(pair.bootstrap, topics) as reader,
        ):
            keeping = asyncio.create_task(keep_alive(pair, restarts))
            caller = Caller(producer, reader, own_name)
            try:
                await _case(caller, reader)
            finally:
                keeping.cancel()
            return caller

    async def _case(caller: Caller, reader: TopicReader) -> None:
        good, bad = [], {}
        feedback = orjson.dumps(
            {"request_id": own_name, "tenant": "t", "comment": mark("feedback", "raise")}
        )
        shadowed = await caller.request("shadowed", f"hi {mark('shadow', 'raise')}")
        for name in POISON:
            agent, how = name.split("/")
            good.append(await caller.request(f"before-{name}", "hi"))
            send = caller.waiting if agent == "wait" else caller.request
            bad[name] = await send(name, f"hi {mark(agent, how)}")
            good.append(await caller.request(f"after-{name}", "hi"))
        await caller.put(FEEDBACK, feedback)
        liked = orjson.dumps({"request_id": f"{own_name}-liked", "tenant": "t", "score": 1.0})
        await caller.put(FEEDBACK, liked)

        def all_ended() -> bool:
            return (
                caller.replies().keys() >= caller.sent.keys()
                and bool(caller.dead(FEEDBACK, feedback))
                and any(own_name.encode() in each.key for each in reader.of(QUALITY))
            )

        await reader.until(all_ended, ENDS_BY_S)
        replies = caller.replies()
        assert {replies[each][0]["status"] for each in [*good, shadowed]} == {"replied"}
        for name, request_id in bad.items():
            (reply,) = replies[request_id]
            assert (reply["status"], reply["error"]["code"]) == ("failed", "internal_error"), name
            topic = POISON[name]
            wanted = caller.sent[request_id] if topic != TIER else request_id.encode()
            dead = caller.dead(topic, wanted)
            assert dead, name
            assert dict(dead[0].headers)["dlq-cause"] == b"internal_error"
            assert caller.alerts(topic), name
        assert caller.alerts(FEEDBACK)

    begun = time.monotonic()
    caller = asyncio.run(whole())
    took = time.monotonic() - begun
    print(f"poison: {took:.1f} s, restarts {dict(restarts)}")
    assert sum(restarts.values()) >= 3
    settle(pair.clickhouse_url, list(caller.sent), pair.ledger, 30)
    books = reconcile(pair.clickhouse_url, list(caller.sent), caller.replies(), pair.ledger)
    assert books.balanced, books
