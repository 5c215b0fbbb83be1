"""Messages that fail in an agent or end its worker, among good ones, and how each must end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from core.codecs import Codecs
from schemas.encoding.codec import Codec
from schemas.records import TierMessage
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
from streams.agents.context.tier_records import tier_record, wait_record
from tests.rig.hops import first_hop
from tests.rig.hostile.poisoned_worker import mark
from tests.rig.kafka.topic_reader import TopicReader, topic_reader
from tests.rig.observed.books import Books, reconcile, settle
from tests.rig.stack import Stack

NAMES = ("worker-1", "worker-2")
PARTITION = 1
ENDS_BY_S = 60.0
ALERT_SESSION_S, ALERT_IDLE_S = 6, 1
"""Brokers take no shorter session, unless they are set to."""
TIER = tier_topic("simple")
WAIT = wait_topic(1)

AT = {"classify": REQUESTS, "execute": TIER, "wait": WAIT}
"""Where a poisoned request lies when it fails, by agent."""

FAILS = ("classify/raise", "execute/raise", "wait/raise", "classify/exit")
"""Enough of every way: what a worker and its successors make of each."""

EVERY_WAY = (
    *(f"{agent}/{how}" for agent in AT for how in ("raise", "leave", "exit")),
    "execute/late",
)


def start(stack: Stack, number: int) -> None:
    """Start one of the two workers, or start it again; not waited for."""
    stack.start_worker(
        number,
        wait=False,
        module="tests.rig.hostile.poisoned_worker",
        SLUICE_ALERT_SESSION_S=str(ALERT_SESSION_S),
        SLUICE_ALERT_IDLE_S=str(ALERT_IDLE_S),
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
    """Sends requests to one partition, and collects their results."""

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

    async def feedback(self, request_id: str, **fields: Any) -> bytes:
        value = orjson.dumps({"request_id": request_id, "tenant": "t", **fields})
        await self.put(FEEDBACK, value)
        return value

    def alerted(self) -> set[str]:
        """Topics with an alert about a failed message."""
        found = [Codec("Alert").decode(record.value) for record in self._reader.of(ALERTS)]
        return {each["subject"] for each in found if each["rule"] == "handling_failed"}


def _hop(request_id: str, prompt: str) -> TierMessage:
    return first_hop(
        int(time.time() * 1000),
        offset=10**9,
        partition=PARTITION,
        request_id=request_id,
        prompt=prompt,
        correlation_id=b"",
        visit=1,
    )


async def poisoned(
    stack: Stack, run: str, ways: tuple[str, ...], ends_by_s: float = ENDS_BY_S
) -> tuple[Caller, Mapping[str, int]]:
    """Send good requests and bad ones to one partition of two poisoned workers, which are started
    again whenever they end. Returns when all have ended as they must; how often each was started.
    """
    restarts: Counter[str] = Counter()
    topics = [REPLIES, ALERTS, QUALITY, *map(dead_letter_topic, (*AT.values(), FEEDBACK))]
    async with (
        AIOKafkaProducer(bootstrap_servers=stack.bootstrap) as producer,
        topic_reader(stack.bootstrap, topics) as reader,
    ):
        keeping = asyncio.create_task(keep_alive(stack, restarts))
        caller = Caller(producer, reader, run)
        try:
            await _case(caller, reader, run, ways, ends_by_s)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    return caller, restarts


async def _case(
    caller: Caller, reader: TopicReader, run: str, ways: tuple[str, ...], ends_by_s: float
) -> None:
    good = [await caller.request("shadowed", f"hi {mark('shadow', 'raise')}")]
    bad = {}
    for way in ways:
        agent, how = way.split("/")
        good.append(await caller.request(f"before-{way}", "hi"))
        send = caller.waiting if agent == "wait" else caller.request
        bad[way] = await send(way, f"hi {mark(agent, how)}")
        good.append(await caller.request(f"after-{way}", "hi"))
    disliked = await caller.feedback(run, comment=mark("feedback", "raise"))
    await caller.feedback(f"{run}-liked", score=1.0)

    def all_ended() -> bool:
        return (
            caller.replies().keys() >= caller.sent.keys()
            and bool(caller.dead(FEEDBACK, disliked))
            and any(run.encode() in each.key for each in reader.of(QUALITY))
            and {topic for topic in caller.alerted() if topic in {*AT.values(), FEEDBACK}}
            == {FEEDBACK, *(AT[way.split("/")[0]] for way in ways)}
        )

    await reader.until(all_ended, ends_by_s)
    replies = caller.replies()
    lost = {each: reply["error"] for each in good if (reply := replies[each][0])["error"]}
    assert not lost, lost
    for way, request_id in bad.items():
        # A process that ends behind the reply and before the journal has it: the reply is repeated,
        # the end is not (`balanced`).
        for reply in replies[request_id]:
            assert (reply["status"], reply["error"]["code"]) == ("failed", "internal_error"), way
        topic = AT[way.split("/")[0]]
        dead = caller.dead(topic, caller.sent[request_id] if topic != TIER else request_id.encode())
        assert dead, way
        assert dict(dead[0].headers)["dlq-cause"] == b"internal_error"


def balanced(stack: Stack, caller: Caller) -> Books:
    """The reconciliation once everything has arrived in ClickHouse."""
    settle(stack.clickhouse_url, list(caller.sent), stack.ledger, 30)
    return reconcile(stack.clickhouse_url, list(caller.sent), caller.replies(), stack.ledger)
