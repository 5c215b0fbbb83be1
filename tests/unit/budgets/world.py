"""Workers that follow budgets over a log in memory, and the reference sums to compare with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from core.clock import StillClock
from core.kafka.producer import Delivered, Outgoing
from schemas.alert_names import AlertName
from schemas.budget_entries import NO_EXPECTATION
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError
from schemas.events import CostEvent
from schemas.topics import COST
from streams.budgets.accounts import MOST_IN_MEMORY
from streams.budgets.budget_tracker import BudgetTracker
from streams.budgets.call_budgets import LiveBudgets
from streams.budgets.in_memory_budget_log import MemoryBudgetLog
from streams.budgets.reservations import Reservations
from streams.budgets.spend_aggregator import GRACE_MS
from streams.journal.admission import Owner
from streams.journal.in_memory_log import MemoryLog
from streams.routing.budget_windows import DAY, HOUR, window_end
from streams.routing.budgets import (
    ALERT,
    FEATURE,
    REJECT,
    TENANT,
    USER,
    Account,
    Budget,
    BudgetSubject,
    Meter,
    Spent,
)

PARTITIONS = 3
NOON = 1_764_072_000_000
"""2025-11-25 12:00 UTC, ms."""

DAILY = Budget(meter=Meter(name="daily", per=TENANT, window=DAY), limit_nano=1_000, then=REJECT)
HOURLY = Budget(meter=Meter(name="hourly", per=USER, window=HOUR), limit_nano=500, then=REJECT)
FAQ = Budget(
    meter=Meter(name="faq", per=FEATURE, window=DAY, match={"feature": frozenset({"faq"})}),
    limit_nano=500,
    then=ALERT,
)
COST_CODEC = Codec("CostEvent")


class FalteringLog:
    """A publisher whose broker becomes unreachable after so many records."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.left: int | None = None
        self.hangs = False

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise DeliveryError("the broker is away")
        return await self._log.publish(record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        return await self.publish(record)


class HeardAlerts:
    """Alerts as they were raised."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, str]] = []

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        self.raised.append((subject, message))


@dataclass
class Worker:
    """One life of a worker."""

    follower: BudgetTracker
    budgets: LiveBudgets
    reservations: Reservations
    publisher: FalteringLog

    async def read(self) -> None:
        """Read all records; some polls return nothing before the end."""
        for _ in range(3):
            while await self.follower.take_costs():
                pass

    async def keep(self) -> None:
        """A round of keeping the ledger."""
        await self.follower.follow_budgets()
        await self.follower.take_ledger()
        await self.follower.write()


@dataclass
class World:
    """The log, the clock, the partitions' owners, and all charges."""

    partitions: int = PARTITIONS
    budgets: list[Budget] = field(default_factory=lambda: [DAILY])
    clock: StillClock = field(default_factory=lambda: StillClock(NOON))
    alerts: HeardAlerts = field(default_factory=HeardAlerts)
    most: int = MOST_IN_MEMORY
    batch: int = 1_000

    def __post_init__(self) -> None:
        self.log = MemoryLog(self.clock)
        self.topics = MemoryBudgetLog(self.log, self.partitions, self.batch)
        self.owners: dict[int, str] = {}
        self.rows: list[CostEvent] = []
        self._lives = count()
        self._calls = count()

    async def worker(self, name: str = "w1") -> Worker:
        """A new life of a worker, caught up."""
        reservations = Reservations()
        publisher = FalteringLog(self.log)

        async def decode(value: bytes) -> Mapping[str, Any]:
            return COST_CODEC.decode(value)

        follower = BudgetTracker(
            self.topics,
            budgets=lambda: self.budgets,
            owned=lambda: [number for number, owner in self.owners.items() if owner == name],
            decode=decode,
            ledger=Codec("BudgetEntry"),
            publisher=publisher,
            alerts=self.alerts,
            clock=self.clock,
            me=Owner(worker=name, incarnation=f"life-{next(self._lives)}"),
            reservations=reservations,
            most=self.most,
        )
        await follower.catch_up()
        budgets = LiveBudgets(lambda: self.budgets, follower, reservations, self.clock)
        return Worker(follower, budgets, reservations, publisher)

    async def charge(
        self,
        cost: int | None = 10,
        *,
        partition: int = 0,
        call_id: str | None = None,
        ended_ago: int = 0,
        **fields: Any,
    ) -> CostEvent:
        """A call ends and its cost event is appended."""
        usual: dict[str, Any] = {
            "tenant": "acme",
            "request_id": "r",
            "hop": 0,
            "visit": 0,
            "call_id": call_id or f"call-{next(self._calls)}",
            "purpose": "answer",
            "at": self.clock.now() - ended_ago,
            "started_at": None,
            "tier": "simple",
            "provider": "openai",
            "request_model": "small",
            "status": "interrupted" if cost is None else "ok",
            "cost_nano": cost,
            "worker": "w",
            "incarnation": "i",
        }
        row = CostEvent(**(usual | fields))
        self.rows.append(row)
        value = COST_CODEC.encode(as_record(row))
        await (
            await self.log.publish(
                Outgoing(topic=COST, key=row.key, value=value, partition=partition)
            )
        )
        return row

    def reference_sums(self) -> dict[Account, Spent]:
        """The sum of every account, call by call, without windows that ended long ago."""
        first: dict[str, CostEvent] = {}
        for row in self.rows:
            known = first.get(row.call_id)
            if known is None or (known.cost_nano is None and row.cost_nano is not None):
                first[row.call_id] = row
        sums: dict[Account, Spent] = {}
        for budget in self.budgets:
            for row in first.values():
                account = budget.meter.account_of(payer_of(row), row.at)
                if account is None:
                    continue
                end = window_end(budget.meter.window, account.start)
                if end + GRACE_MS <= self.clock.now():
                    continue
                before = sums.get(account, Spent())
                expected = NO_EXPECTATION if row.expected_nano is None else row.expected_nano
                unknown = row.cost_nano is None
                sums[account] = Spent(
                    known=before.known + (row.cost_nano or 0),
                    estimated=before.estimated
                    + (expected if unknown and expected != NO_EXPECTATION else 0),
                    unpriced=before.unpriced + (unknown and expected == NO_EXPECTATION),
                )
        return sums

    def agrees(self, worker: Worker) -> None:
        """Compare a worker's accounts with the reference sums."""
        books = worker.follower.books
        for account, spent in self.reference_sums().items():
            assert books is not None
            assert books.spent(account) == spent, account


def payer_of(row: CostEvent) -> BudgetSubject:
    """Whom a row is charged to."""
    return BudgetSubject(
        tenant=row.tenant,
        user_id=row.user_id,
        user_tier=row.user_tier,
        feature=row.feature,
        model=row.request_model,
    )
