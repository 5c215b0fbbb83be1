"""A worker's part in the budgets: it counts the whole cost topic, and keeps the ledger it owns.

At startup the ledger is read to its end, then the cost topic from the ledger's marks to the end
seen at startup; no work is opened before. A budget that is added later is counted by a separate
reading, which the first one takes over once it has caught up. Until then it binds nothing, and the
others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from core.alert_port import Alerts
from core.clock import Clock
from core.kafka.producer import Publisher
from schemas.alert_names import AlertName
from schemas.encoding.codec import Codec
from schemas.errors import TopicError
from schemas.topics import COST
from streams.bad_input.bad_records import BadRecords, unwatched
from streams.budgets.accounts import MOST_IN_MEMORY, AccountStore
from streams.budgets.budget_alerts import BudgetAlerter
from streams.budgets.budget_log import BudgetLog, BudgetRecord, LogReader
from streams.budgets.charges import Estimate, charge_of
from streams.budgets.ledger_owner import LedgerOwner
from streams.budgets.recovery import begin_count, ends_of
from streams.budgets.reservations import Reservations
from streams.budgets.spend_aggregator import SpendAggregator
from streams.journal.admission import Owner
from streams.routing.budgets import Budget, Meter

WRITE_EVERY_S = 1.0

Decode = Callable[[bytes], Awaitable[Mapping[str, Any]]]


class _Reading:
    """A count and its reader; it is valid from `target` on."""

    def __init__(
        self, count: SpendAggregator, reader: LogReader, target: Mapping[int, int]
    ) -> None:
        self.count = count
        self.reader = reader
        self.target = target


class BudgetTracker:
    """Follows both topics. `owned` are the partitions whose ledger this worker keeps."""

    def __init__(
        self,
        log_: BudgetLog,
        *,
        budgets: Callable[[], Collection[Budget]],
        owned: Callable[[], Collection[int]],
        decode: Decode,
        ledger: Codec,
        publisher: Publisher,
        alerts: Alerts,
        clock: Clock,
        me: Owner,
        reservations: Reservations,
        estimate: Estimate = lambda event: None,
        most: int = MOST_IN_MEMORY,
        bad: BadRecords | None = None,
    ) -> None:
        self._bad = bad or unwatched()
        self._log = log_
        self._budgets = budgets
        self._owned = owned
        self._decode = decode
        self._ledger = ledger
        self._publisher = publisher
        self._alerts = alerts
        self._clock = clock
        self._me = me
        self._reservations = reservations
        self._estimate = estimate
        self._most = most
        self._books: AccountStore | None = None
        self._main: _Reading | None = None
        self._joining: _Reading | None = None
        self._ledger_owner: LedgerOwner | None = None

    @property
    def books(self) -> AccountStore | None:
        """Return the count; `None` before the first budget."""
        return self._books

    def counts(self, meter: str) -> bool:
        """Return whether a meter's accounts are complete."""
        return self._main is not None and self._main.count.counts(meter)

    @property
    def is_settled(self) -> bool:
        """Return whether every budget is counted, and the owned ledger is read."""
        is_kept = self._ledger_owner is None or self._ledger_owner.is_settled(
            self._main.count if self._main else None
        )
        return (
            is_kept
            and self._joining is None
            and all(self.counts(budget.meter.id) for budget in self._budgets())
        )

    async def catch_up(self) -> None:
        """Count the whole log for the current budgets.

        Raises:
            TopicError: the ledger has offsets beyond the end of the cost topic.
        """
        await self.follow_budgets()
        while self._joining is not None:
            await self.take_costs()

    async def follow_budgets(self) -> None:
        """Start counting new budgets, and stop counting removed ones."""
        wanted = {budget.meter.id: budget.meter for budget in self._budgets()}
        for reading in (self._main, self._joining):
            for meter in () if reading is None else reading.count.meters:
                if meter.id not in wanted and reading is not None:
                    reading.count.drop(meter.id)
        new = [meter for name, meter in wanted.items() if not self.counts(name)]
        if new and self._joining is None:
            self._joining = await self._begin(new)

    async def take_costs(self) -> int:
        """Apply new records of the cost topic; return their number."""
        main, joining = self._main, self._joining
        taken = 0
        if joining is not None:
            taken += await self._take(joining, read_back=main is None)
            if await self._joined(joining, main):
                return taken
        if main is not None and not self._is_waited_for(main, joining):
            taken += await self._take(main, read_back=True)
            if not main.count.meters and self._joining is None:
                self._main = None
                await main.reader.close()
        return taken

    async def take_ledger(self) -> int:
        """Keep the ledger of the owned partitions, and apply its records; return their number."""
        if self._ledger_owner is None:
            return 0
        return await self._ledger_owner.take(self._main.count if self._main else None)

    async def write(self) -> None:
        """Raise due alerts, write changes, remove ended windows."""
        now = self._clock.now()
        self._reservations.forget_stale(now)
        if self._ledger_owner is not None and self._main is not None:
            await self._ledger_owner.write(self._main.count, self._budgets(), now)

    async def run(self) -> None:
        """Follow and keep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_costs())
            tasks.create_task(self._keep())

    async def close(self) -> None:
        """Write pending changes, and stop reading."""
        await self.write()
        for reading in (self._main, self._joining):
            if reading is not None:
                await reading.reader.close()
        if self._ledger_owner is not None:
            await self._ledger_owner.close()
        if self._books is not None:
            self._books.close()

    async def _follow_costs(self) -> None:
        while True:
            if self._main is None and self._joining is None:
                await asyncio.sleep(WRITE_EVERY_S)
                continue
            await self.take_costs()
            await asyncio.sleep(0)

    async def _keep(self) -> None:
        while True:
            try:
                await self.follow_budgets()
            except TopicError as error:
                await self._alerts.fire(
                    AlertName.BUDGET_NOT_COUNTED, COST, f"a new budget is not counted: {error}"
                )
            while await self.take_ledger():
                pass
            await self.write()
            await asyncio.sleep(WRITE_EVERY_S)

    async def _take(self, reading: _Reading, *, read_back: bool) -> int:
        records = await reading.reader.read()
        for record in records:
            call_id = await self._count_in(reading.count, record)
            if read_back and call_id is not None:
                self._reservations.release(call_id)
        if not reading.count.has_reached(reading.target):
            for partition, position in (await reading.reader.positions()).items():
                reading.count.reached(partition, position)
        return len(records)

    async def _count_in(self, count: SpendAggregator, record: BudgetRecord) -> str | None:
        try:
            event = await self._decode(record.value or b"")
            charge = charge_of(
                event,
                partition=record.partition,
                offset=record.offset,
                appended_at=record.at,
                estimate=self._estimate,
            )
            if charge is None:
                return None
            count.take(charge)
        except Exception as error:  # noqa: BLE001 - no record may end the reading of others
            self._bad.note(COST, record.partition, record.offset, error)
            return None
        return charge.call_id

    async def _begin(self, meters: Collection[Meter]) -> _Reading:
        """Start a reading for these meters: the ledger's sums, then the cost topic after them."""
        if self._books is None:
            self._books = AccountStore(await self._log.partitions(), self._most)
            self._ledger_owner = LedgerOwner(
                self._log,
                self._books,
                BudgetAlerter(self._books, self._alerts),
                owned=self._owned,
                publisher=self._publisher,
                ledger=self._ledger,
                me=self._me,
                bad=self._bad,
            )
        count = await begin_count(
            meters, self._books, self._log, self._ledger, now=self._clock.now(), bad=self._bad
        )
        target = await ends_of(self._log)
        return _Reading(count, await self._log.open(COST, count.positions), target)

    async def _joined(self, joining: _Reading, main: _Reading | None) -> bool:
        """Return whether the new meters have caught up, and the first reading takes them over."""
        if not joining.count.has_reached(joining.target):
            return False
        if main is None:
            self._main, self._joining = joining, None
            return True
        if not joining.count.has_reached(main.count.positions):
            return False
        main.count.absorb(joining.count)
        self._joining = None
        await joining.reader.close()
        return True

    @staticmethod
    def _is_waited_for(main: _Reading, joining: _Reading | None) -> bool:
        """Return whether the first reading pauses, so that a new one can catch up with it."""
        return (
            joining is not None
            and joining.count.has_reached(joining.target)
            and not joining.count.has_reached(main.count.positions)
        )
