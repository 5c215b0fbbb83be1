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
from streams.journal.admission import Owner
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
        alerter: BudgetAlerter,
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
        self._alerter = alerter
        self._owned = owned
        self._publisher = publisher
        self._ledger = ledger
        self._me = me
        self._kept: _Kept = (frozenset(), frozenset())
        self._writers: dict[int, LedgerWriter] = {}
        self._reader: LogReader | None = None

    def is_settled(self, count: SpendAggregator | None) -> bool:
        """Return whether the ledger of all owned partitions is read."""
        ready = all(writer.is_ready for writer in self._writers.values())
        return ready and self._kept == self._wanted(count)

    async def take(self, count: SpendAggregator | None) -> int:
        """Keep the owned partitions, and apply the ledger's records; return their number."""
        wanted = self._wanted(count)
        if wanted != self._kept:
            await self._set_up(wanted, count)
        writers, reader = self._writers, self._reader
        if reader is None:
            return 0
        records = await reader.read()
        for record in records:
            writers[record.partition].take(record)
        for partition, position in (await reader.positions()).items():
            await writers[partition].reached(position)
        await asyncio.sleep(0)
        return len(records)

    async def write(self, count: SpendAggregator, budgets: Collection[Budget], now: int) -> None:
        """Raise due alerts, write changes, remove ended windows."""
        writers = list(self._writers.values())
        homes = [writer.partition for writer in writers if writer.is_ready]
        await self._alerter.raise_due(homes, budgets, now)
        for meter, start in count.over():
            accounts = self._books.of_window(meter.id, start)[:_OVER_AT_ONCE]
            for writer in writers:
                writer.queue_tombstones(accounts)
            self._books.drop(accounts)
            if not accounts:
                count.forget(meter, start)
                self._alerter.forget(meter.id, start)
        for writer in writers:
            await writer.write()
            await writer.write_tombstones()

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
        kept = self._writers if meters == self._kept[1] else {}
        self._writers, self._kept = {}, wanted
        self._books.track(owned)
        if count is None or not owned:
            return
        bounds = await self._log.bounds(BUDGETS)
        for partition in owned:
            self._writers[partition] = kept.get(partition) or LedgerWriter(
                partition,
                bounds[partition][1],
                books=self._books,
                count=count,
                alerter=self._alerter,
                publisher=self._publisher,
                codec=self._ledger,
                me=self._me,
                bad=self._bad,
            )
        positions = {number: writer.position for number, writer in self._writers.items()}
        self._reader = await self._log.open(BUDGETS, positions)
