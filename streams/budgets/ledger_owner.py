"""Ledger of all owned partitions: a writer for each partition, one reader for all of them.

Writers are created when partitions are added or the meters change, and read the ledger before they
write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from core.kafka.producer import Publisher
from schemas.encoding.codec import Codec
from schemas.topics import BUDGETS
from streams.bad_input.bad_records import BadRecords
from streams.budgets.accounts import AccountStore
from streams.budgets.budget_alerts import BudgetAlerter
from streams.budgets.budget_log import BudgetLog, LogReader
from streams.budgets.ledger_writer import LedgerWriter
from streams.budgets.spend_aggregator import SpendAggregator
from streams.journal.partition_journal import Owner
from streams.routing.budgets import Budget

_OVER_AT_ONCE = 2_000
"""Accounts removed in one step when their window has ended."""

_Kept = tuple[frozenset[int], frozenset[str]]
"""Partitions whose ledger is kept, and their meters."""


class LedgerOwner:
    """Keeps the ledger of the `owned` partitions, for the accounts of a count."""

    def __init__(
        self,
        log: BudgetLog,
        books: AccountStore,
        alarms: BudgetAlerter,
        *,
        owned: Callable[[], Collection[int]],
        publisher: Publisher,
        ledger: Codec,
        me: Owner,
        bad: BadRecords,
    ) -> None:
        self._bad = bad
        self._log = log
        self._books = books
        self._alarms = alarms
        self._owned = owned
        self._publisher = publisher
        self._ledger = ledger
        self._me = me
        self._kept: _Kept = (frozenset(), frozenset())
        self._desks: dict[int, LedgerWriter] = {}
        self._reader: LogReader | None = None

    def is_settled(self, count: SpendAggregator | None) -> bool:
        """Return whether the ledger of all owned partitions is read."""
        ready = all(desk.is_ready for desk in self._desks.values())
        return ready and self._kept == self._wanted(count)

    async def take(self, count: SpendAggregator | None) -> int:
        """Keep the owned partitions, and apply the ledger's records; return their number."""
        wanted = self._wanted(count)
        if wanted != self._kept:
            await self._set_up(wanted, count)
        desks, reader = self._desks, self._reader
        if reader is None:
            return 0
        records = await reader.read()
        for record in records:
            desks[record.partition].take(record)
        for partition, position in (await reader.positions()).items():
            await desks[partition].reached(position)
        await asyncio.sleep(0)
        return len(records)

    async def write(self, count: SpendAggregator, budgets: Collection[Budget], now: int) -> None:
        """Raise due alerts, write changes, remove ended windows."""
        desks = list(self._desks.values())
        homes = [desk.partition for desk in desks if desk.is_ready]
        await self._alarms.raise_due(homes, budgets, now)
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

    async def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    def _wanted(self, count: SpendAggregator | None) -> _Kept:
        """Return the partitions whose ledger is kept now, and their meters."""
        if count is None or not count.meters:
            return frozenset(), frozenset()
        return frozenset(self._owned()), frozenset(each.id for each in count.meters)

    async def _set_up(self, wanted: _Kept, count: SpendAggregator | None) -> None:
        await self.close()
        owned, meters = wanted
        staying = self._desks if meters == self._kept[1] else {}
        self._desks, self._kept = {}, wanted
        self._books.track(owned)
        if count is None or not owned:
            return
        bounds = await self._log.bounds(BUDGETS)
        for partition in owned:
            self._desks[partition] = staying.get(partition) or LedgerWriter(
                partition,
                bounds[partition][1],
                books=self._books,
                count=count,
                alarms=self._alarms,
                publisher=self._publisher,
                codec=self._ledger,
                me=self._me,
                bad=self._bad,
            )
        positions = {number: desk.position for number, desk in self._desks.items()}
        self._reader = await self._log.open(BUDGETS, positions)
