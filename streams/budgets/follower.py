"""A worker's part in the budgets: it counts the whole cost topic and keeps the ledger it owns.

Start: the ledger is read to its end, then the cost topic from where the ledger's marks say, up to
the end seen at the start; no work is opened before. A budget that joins later is counted by a
reading of its own, which the first one takes over once it has caught up; until then it binds
nothing, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

from schemas.codec import Codec
from schemas.errors import TopicError, UndecodableError
from schemas.topics import BUDGETS, COST
from streams.budgets.alarms import Alarms, Alerts
from streams.budgets.books import MOST_IN_MEMORY, Books
from streams.budgets.charges import Estimate, charge_of
from streams.budgets.count import GRACE_MS, Count, Starts
from streams.budgets.desk import Desk
from streams.budgets.ledger import LedgerPage, LedgerSum
from streams.budgets.log import BudgetLog, LogReader, LogRecord
from streams.budgets.reservations import Reservations
from streams.flow.clock import Clock
from streams.flow.delivery import Publisher
from streams.flow.journal import Owner
from streams.routing.budget_windows import window_start
from streams.routing.budgets import Budget, Meter

log = logging.getLogger(__name__)

MARGIN_MS = 5 * 60 * 1000
"""How much earlier than a window the cost topic is read: clocks of workers differ a little."""

WRITE_EVERY_S = 1.0

UNCOUNTED = "budget_not_counted"
"""Rule of the alert that a budget joined which can't be counted; it binds nothing."""

_OVER_AT_ONCE = 2_000
"""Accounts that are forgotten in one go when their window is over."""

Decode = Callable[[bytes], Awaitable[Mapping[str, Any]]]

_Kept = tuple[frozenset[int], frozenset[str]]
"""Partitions whose ledger is kept, and for which meters."""


class _Reading:
    """A count and the reader that feeds it; `target` is what it must reach to be right."""

    def __init__(self, count: Count, reader: LogReader, target: Mapping[int, int]) -> None:
        self.count = count
        self.reader = reader
        self.target = target


class Follower:
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
    ) -> None:
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
        self._books: Books | None = None
        self._main: _Reading | None = None
        self._joining: _Reading | None = None
        self._kept: _Kept = (frozenset(), frozenset())
        self._desks: dict[int, Desk] = {}
        self._desk_reader: LogReader | None = None
        self._alarms: Alarms | None = None

    @property
    def books(self) -> Books | None:
        """What was counted; `None` before the first budget."""
        return self._books

    def counts(self, meter: str) -> bool:
        """Whether a meter's account is right up to now."""
        return self._main is not None and self._main.count.counts(meter)

    @property
    def is_settled(self) -> bool:
        """Whether every budget is counted, and the ledger of all that is owned was read."""
        return (
            self._joining is None
            and self._kept == self._kept_now()
            and all(self.counts(budget.meter.id) for budget in self._budgets())
            and all(desk.is_ready for desk in self._desks.values())
        )

    async def catch_up(self) -> None:
        """Count all that the log holds now for the budgets there are now.

        Raises:
            TopicError: the ledger counts further than the cost topic goes.
        """
        await self.follow_budgets()
        while self._joining is not None:
            await self.take_costs()

    async def follow_budgets(self) -> None:
        """Begin to count for budgets that are new, and end it for those that are gone."""
        wanted = {budget.meter.id: budget.meter for budget in self._budgets()}
        for reading in (self._main, self._joining):
            for meter in () if reading is None else reading.count.meters:
                if meter.id not in wanted and reading is not None:
                    reading.count.drop(meter.id)
        new = [meter for name, meter in wanted.items() if not self.counts(name)]
        if new and self._joining is None:
            self._joining = await self._begin(new)

    async def take_costs(self) -> int:
        """Take in what the cost topic has; how many records that was."""
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
        """Keep the ledger of what is owned now, and take in what it says; how much that was."""
        kept = self._kept_now()
        if kept != self._kept:
            await self._take_desks(kept)
        desks, reader = self._desks, self._desk_reader
        if reader is None:
            return 0
        records = await reader.read()
        for record in records:
            desks[record.partition].take(record)
        for partition, position in (await reader.positions()).items():
            await desks[partition].reached(position)
        await asyncio.sleep(0)
        return len(records)

    async def write(self) -> None:
        """Raise the alerts that are due, write what has changed, forget what is over."""
        if self._main is None or self._books is None or self._alarms is None:
            return
        self._reservations.forget_stale(self._clock.now())
        desks = list(self._desks.values())
        homes = [desk.partition for desk in desks if desk.is_ready]
        await self._alarms.raise_due(homes, self._budgets(), self._clock.now())
        count = self._main.count
        for meter, start in count.over():
            accounts = self._books.of_window(meter.id, start)[:_OVER_AT_ONCE]
            for desk in desks:
                desk.is_over(accounts)
            self._books.drop(accounts)
            if not accounts:
                count.forget(meter, start)
                self._alarms.forget(meter.id, start)
        for desk in desks:
            await desk.write()
            await desk.bury()

    async def run(self) -> None:
        """Follow and keep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_costs())
            tasks.create_task(self._keep())

    async def close(self) -> None:
        """Write what is not written yet, and read no more."""
        await self.write()
        for reading in (self._main, self._joining):
            if reading is not None:
                await reading.reader.close()
        if self._desk_reader is not None:
            await self._desk_reader.close()
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
                await self._alerts.fire(UNCOUNTED, COST, f"a new budget is not counted: {error}")
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

    async def _count_in(self, count: Count, record: LogRecord) -> str | None:
        try:
            event = await self._decode(record.value or b"")
            charge = charge_of(
                event,
                partition=record.partition,
                offset=record.offset,
                appended_at=record.at,
                estimate=self._estimate,
            )
        except (UndecodableError, KeyError) as error:
            log.warning(
                "%s:%s:%s is in no budget: %s", COST, record.partition, record.offset, error
            )
            return None
        if charge is None:
            return None
        count.take(charge)
        return charge.call_id

    async def _begin(self, meters: Collection[Meter]) -> _Reading:
        """A reading for these meters: the ledger's sums, then the cost topic behind them."""
        if self._books is None:
            self._books = Books(await self._log.partitions(), self._most)
            self._alarms = Alarms(self._books, self._alerts)
        bounds = await self._log.bounds(COST)
        starts = {meter.id: dict(await self._window_starts(meter)) for meter in meters}
        ahead: list[LedgerSum] = []
        newest = 0
        async for partition, page in self._pages(frozenset(starts)):
            newest = max(newest, page.newest)
            for meter in meters:
                begin = page.begin(meter.id)
                if begin is not None:
                    starts[meter.id][partition] = begin
                for each in page.sums(meter.id):
                    self._books.set_cell(each.account, partition, each.value)
                    if each.offset > starts[meter.id][partition]:
                        ahead.append(each)
        self._check(starts, ahead, bounds)
        count = Count(self._books, {meter.id: (meter, starts[meter.id]) for meter in meters})
        count.horizon = newest
        for each in ahead:
            count.begins_after(each.account, each.partition, each.offset)
        reader = await self._log.open(COST, count.positions)
        target = {partition: end for partition, (_, end) in bounds.items()}
        return _Reading(count, reader, target)

    async def _window_starts(self, meter: Meter) -> Starts:
        start = window_start(meter.window, self._clock.now() - GRACE_MS)
        return await self._log.offsets_at(COST, start - MARGIN_MS)

    async def _pages(self, meters: frozenset[str]) -> AsyncIterator[tuple[int, LedgerPage]]:
        """The ledger as it stands, a partition at a time: a page may be large."""
        for partition, (begin, end) in (await self._log.bounds(BUDGETS)).items():
            if begin == end:
                continue
            page = LedgerPage(self._ledger, meters)
            reader = await self._log.open(BUDGETS, {partition: begin}, follows=False)
            try:
                while (await reader.positions())[partition] < end:
                    for record in await reader.read():
                        try:
                            page.take(record)
                        except UndecodableError as error:
                            log.warning("%s:%s:%s %s", BUDGETS, partition, record.offset, error)
            finally:
                await reader.close()
            yield partition, page

    def _check(
        self,
        starts: Mapping[str, Starts],
        ahead: Collection[LedgerSum],
        bounds: Mapping[int, tuple[int, int]],
    ) -> None:
        counted = [(number, offset) for own in starts.values() for number, offset in own.items()]
        counted += [(each.partition, each.offset) for each in ahead]
        for partition, offset in counted:
            end = bounds[partition][1]
            if offset > end:
                raise TopicError(
                    f"{BUDGETS} counts {COST} up to {offset} on partition {partition}, which ends "
                    f"at {end}: one of them was made anew; make the other anew as well"
                )

    async def _joined(self, joining: _Reading, main: _Reading | None) -> bool:
        """Whether the new meters have caught up, and the first reading goes on for them."""
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
        """Whether the first reading pauses, so that one that joins can draw level with it."""
        return (
            joining is not None
            and joining.count.has_reached(joining.target)
            and not joining.count.has_reached(main.count.positions)
        )

    def _kept_now(self) -> _Kept:
        """The partitions whose ledger is to be kept now, and for which meters."""
        if self._main is None or not self._main.count.meters:
            return frozenset(), frozenset()
        return frozenset(self._owned()), frozenset(each.id for each in self._main.count.meters)

    async def _take_desks(self, kept: _Kept) -> None:
        """Keep the ledger of these partitions from now on: read what it says before writing."""
        if self._desk_reader is not None:
            await self._desk_reader.close()
            self._desk_reader = None
        owned, meters = kept
        staying = self._desks if meters == self._kept[1] else {}
        self._desks, self._kept = {}, kept
        if self._books is not None:
            self._books.track(owned)
        if self._main is None or self._books is None or self._alarms is None or not owned:
            return
        bounds = await self._log.bounds(BUDGETS)
        for partition in owned:
            self._desks[partition] = staying.get(partition) or Desk(
                partition,
                bounds[partition][1],
                books=self._books,
                count=self._main.count,
                alarms=self._alarms,
                publisher=self._publisher,
                codec=self._ledger,
                me=self._me,
            )
        positions = {number: desk.position for number, desk in self._desks.items()}
        self._desk_reader = await self._log.open(BUDGETS, positions)
