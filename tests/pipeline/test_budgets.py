"""Budgets over real topics: two workers agree with plain Python, one is stopped and restarted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from core.clock import BrokerClock
from core.kafka.producer import KafkaPublisher
from schemas.alert_names import AlertName
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import CostEvent
from schemas.topic_declarations import declared_topics
from schemas.topics import ALERTS, BUDGETS, COST
from streams.budgets.budget_log import KafkaBudgetLog
from streams.budgets.budget_tracker import BudgetTracker
from streams.budgets.call_budgets import LiveBudgets
from streams.budgets.ledger import CompletenessMark, read_entry
from streams.budgets.reservations import Reservations
from streams.journal.admission import Owner
from streams.routing.budgets import (
    REJECT,
    TENANT,
    USER,
    Allowed,
    Budget,
    BudgetSubject,
    Meter,
    Rejected,
)
from tests.fixtures.services import some_kafka

PARTITIONS = 4
COST_CODEC, LEDGER_CODEC = Codec("CostEvent"), Codec("BudgetEntry")


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with some_kafka() as address:
        asyncio.run(_create_topics(address))
        yield address


async def _create_topics(address: str) -> None:
    declared = {topic.name: topic for topic in declared_topics()}
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(name, PARTITIONS, 1, topic_configs=declared[name].config)
                for name in (COST, BUDGETS, ALERTS)
            ]
        )
    finally:
        await admin.close()


class _Alerts:
    async def fire(self, rule: AlertName, subject: str, message: str) -> None: ...


@dataclass
class _Worker:
    follower: BudgetTracker
    budgets: LiveBudgets
    log: KafkaBudgetLog

    async def round(self) -> int:
        """Read costs and ledger, write what has changed."""
        taken = await self.follower.take_costs()
        await self.follower.take_ledger()
        await self.follower.write()
        return taken

    async def die(self) -> None:
        """Stop without writing anything."""
        self.follower.write = _nothing  # type: ignore[method-assign]
        await self.follower.close()
        await self.log.stop()


async def _nothing() -> None: ...


@dataclass
class _Scene:
    address: str
    tenant: str
    publisher: KafkaPublisher
    producer: AIOKafkaProducer
    owners: dict[int, str] = field(default_factory=dict)
    rows: list[CostEvent] = field(default_factory=list)
    clock: BrokerClock = field(default_factory=BrokerClock)

    def __post_init__(self) -> None:
        match = {"tenant": frozenset({self.tenant})}
        self.budgets = [
            Budget(
                meter=Meter(name="month", per=TENANT, window="month", match=match),
                limit_nano=10_000_000,
                then=REJECT,
            ),
            Budget(
                meter=Meter(name="users", per=USER, window="day", match=match),
                limit_nano=10_000_000,
                then=REJECT,
            ),
        ]

    async def worker(self, name: str) -> _Worker:
        log = KafkaBudgetLog({"bootstrap.servers": self.address})
        await log.start()
        reservations = Reservations()

        async def decode(value: bytes) -> Mapping[str, Any]:
            return COST_CODEC.decode(value)

        follower = BudgetTracker(
            log,
            budgets=lambda: self.budgets,
            owned=lambda: [number for number, owner in self.owners.items() if owner == name],
            decode=decode,
            ledger=LEDGER_CODEC,
            publisher=self.publisher,
            alerts=_Alerts(),
            clock=self.clock,
            me=Owner(worker=name, incarnation=f"{name}-{random.getrandbits(32):x}"),
            reservations=reservations,
        )
        await follower.catch_up()
        budgets = LiveBudgets(lambda: self.budgets, follower, reservations, self.clock)
        return _Worker(follower, budgets, log)

    async def spend(self, count: int, chance: random.Random) -> None:
        """Calls that end: some of unknown cost, some booked twice."""
        under_way = []
        for _ in range(count):
            row = self._row(chance)
            self.rows.append(row)
            under_way.append(
                await self.producer.send(
                    COST,
                    key=row.call_id.encode(),
                    value=COST_CODEC.encode(as_record(row)),
                    partition=int(row.call_id, 16) % PARTITIONS,
                )
            )
        await asyncio.gather(*under_way)

    def _row(self, chance: random.Random) -> CostEvent:
        unknown = [row for row in self.rows[-200:] if row.cost_nano is None]
        again = chance.choice(unknown) if unknown and chance.random() < 0.1 else None
        is_known = again is not None or chance.random() < 0.85
        return CostEvent(
            tenant=self.tenant,
            request_id="r",
            hop=0,
            visit=0,
            call_id=again.call_id if again else f"{chance.getrandbits(64):x}",
            purpose="answer",
            at=self.clock.now(),
            started_at=None,
            tier="simple",
            provider="openai",
            request_model="small",
            status="ok" if is_known else "interrupted",
            cost_nano=chance.randrange(1_000) if is_known else None,
            expected_nano=100,
            worker="w",
            incarnation="i",
            user_id=again.user_id if again else f"u{chance.randrange(5)}",
        )

    def reference_sum(self, user: str | None = None) -> int:
        calls: dict[str, CostEvent] = {}
        for row in self.rows:
            before = calls.get(row.call_id)
            if before is None or before.cost_nano is None:
                calls[row.call_id] = row
        return sum(
            row.expected_nano or 0 if row.cost_nano is None else row.cost_nano
            for row in calls.values()
            if user is None or row.user_id == user
        )

    def found(self, worker: _Worker) -> list[int]:
        """The spend that a worker has counted: of the tenant, and of each user."""
        sums = []
        for user in range(5):
            payer = BudgetSubject(tenant=self.tenant, user_id=f"u{user}")
            month, day = worker.budgets.verdict(payer, 1, self.clock.now()).balances
            sums += [month.spent.total, day.spent.total]
        return [sums[0], *sums[1::2]]

    def expected(self) -> list[int]:
        return [self.reference_sum(), *(self.reference_sum(f"u{user}") for user in range(5))]


@asynccontextmanager
async def _scene(address: str, tenant: str) -> AsyncIterator[_Scene]:
    async with AsyncExitStack() as stack:
        own, replies = (AIOKafkaProducer(bootstrap_servers=address) for _ in range(2))
        limits = {topic.name: topic.max_message_bytes for topic in declared_topics()}
        publisher = KafkaPublisher(own, replies, limits, BrokerClock())
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        yield _Scene(address, tenant, publisher, own)


def _run(address: str, tenant: str, story: Callable[[_Scene], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with _scene(address, tenant) as scene:
            await story(scene)

    asyncio.run(scenario())


async def _until_read(worker: _Worker) -> None:
    while await worker.round():
        pass
    while not worker.follower.is_settled:
        await worker.round()


def test_two_workers_agree_with_plain_python_over_a_restart_of_one(
    broker: str, own_name: str
) -> None:
    async def scenario(scene: _Scene) -> None:
        chance = random.Random(7)
        scene.owners = {0: "w1", 1: "w1", 2: "w2", 3: "w2"}
        first, second = await scene.worker("w1"), await scene.worker("w2")
        for _ in range(5):
            await scene.spend(200, chance)
            for worker in (first, second):
                await worker.round()
        for worker in (first, second):
            await _until_read(worker)
        assert scene.found(first) == scene.expected()
        assert scene.found(second) == scene.expected()

        await scene.spend(200, chance)
        await second.follower.take_costs()
        await second.die()
        scene.owners = dict.fromkeys(range(PARTITIONS), "w1")
        await scene.spend(200, chance)
        await _until_read(first)
        second = await scene.worker("w2")
        scene.owners = {0: "w1", 1: "w2", 2: "w2", 3: "w1"}
        await scene.spend(200, chance)
        for worker in (first, second):
            await _until_read(worker)
        assert scene.found(first) == scene.expected()
        assert scene.found(second) == scene.expected()
        for worker in (first, second):
            await worker.round()
            await worker.die()

        await _forget_costs(scene)
        newcomer = await scene.worker("w3")
        assert scene.found(newcomer) == scene.expected()
        await newcomer.die()

    _run(broker, own_name, scenario)


async def _forget_costs(scene: _Scene) -> None:
    """Delete all records of the cost topic, as retention does: only the ledger has the sums."""
    log = KafkaBudgetLog({"bootstrap.servers": scene.address})
    await log.start()
    ends = {number: end for number, (_, end) in (await log.bounds(COST)).items()}
    await log.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.address)
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(COST, number): RecordsToDelete(before_offset=end)
                for number, end in ends.items()
            }
        )
    finally:
        await admin.close()


def test_a_running_worker_writes_the_ledger_and_stops_at_the_limit(
    broker: str, own_name: str
) -> None:
    async def scenario(scene: _Scene) -> None:
        scene.owners = dict.fromkeys(range(PARTITIONS), "w1")
        worker = await scene.worker("w1")
        running = asyncio.create_task(worker.follower.run())
        payer = BudgetSubject(tenant=scene.tenant, user_id="u0")
        assert isinstance(worker.budgets.verdict(payer, 1, scene.clock.now()), Allowed)
        scene.budgets[1] = Budget(
            meter=scene.budgets[1].meter,
            limit_nano=scene.budgets[1].limit_nano // 1_000,
            then=REJECT,
        )
        await scene.spend(200, random.Random(8))
        assert await _ledger_total(scene) == scene.reference_sum()
        verdict = worker.budgets.verdict(payer, 1, scene.clock.now())
        assert isinstance(verdict, Rejected)
        assert "budget users" in verdict.message
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.die()

    _run(broker, own_name, scenario)


async def _ledger_total(scene: _Scene) -> int:
    """Follow the ledger until the month's sums of the tenant equal the spend."""
    log = KafkaBudgetLog({"bootstrap.servers": scene.address})
    await log.start()
    reader = await log.open(BUDGETS, dict.fromkeys(range(PARTITIONS), 0))
    cells: dict[int, int] = {}
    while sum(cells.values()) != scene.reference_sum():
        for record in await reader.read():
            entry = None if record.value is None else read_entry(record, LEDGER_CODEC)
            if entry is None or isinstance(entry, CompletenessMark):
                continue
            if entry.account.meter == scene.budgets[0].meter.id:
                cells[record.partition] = entry.value.known + entry.value.estimated
    await reader.close()
    await log.stop()
    return sum(cells.values())
