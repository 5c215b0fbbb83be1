"""Ledger of one partition, kept by its owner.

The ledger's partition is read from its beginning before anything is written, and followed while it
is owned. If it has less than the accounts (the previous owner did not write it, or wrote late over
newer sums), the cell is written. A mark is written only after every changed cell, so it never
claims too much. Ended windows get tombstones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from core.kafka.producer import Outgoing, Publisher
from schemas.budget_entries import BudgetEntry, entry_key, split_entry_key
from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError
from schemas.topics import BUDGETS
from streams.bad_input.bad_records import BadRecords
from streams.budgets.accounts import AccountStore, CellSum
from streams.budgets.budget_alerts import BudgetAlerter
from streams.budgets.budget_log import BudgetRecord
from streams.budgets.ledger import (
    CompletenessMark,
    LedgerSum,
    encode_entry,
    mark_entry,
    read_entry,
    sum_entry,
)
from streams.budgets.spend_aggregator import SpendAggregator
from streams.journal.admission import Owner
from streams.routing.budget_windows import DAY_MS
from streams.routing.budgets import Account

log = logging.getLogger(__name__)

MARK_EVERY_OFFSETS = 1_000
"""Offsets after which a mark advances even without charges of its meter: this bounds what a start
reads again.
"""

UNKNOWN_KEPT_MS = 62 * DAY_MS
"""Time for which sums of a removed meter are kept: longer than any window."""

_AT_ONCE = 500


class LedgerWriter:
    """A partition's ledger while it is owned."""

    def __init__(
        self,
        partition: int,
        end: int,
        *,
        books: AccountStore,
        count: SpendAggregator,
        alerter: BudgetAlerter,
        publisher: Publisher,
        codec: Codec,
        me: Owner,
        bad: BadRecords,
    ) -> None:
        self._bad = bad
        self.partition = partition
        self.position = 0
        self._meters = tuple(meter.id for meter in count.meters)
        self._end = end
        self._books = books
        self._count = count
        self._alerter = alerter
        self._publisher = publisher
        self._codec = codec
        self._me = me
        self._there: set[Account] | None = set()
        self._stale: dict[bytes, None] = {}
        self._marked: dict[str, int] = {}

    @property
    def is_ready(self) -> bool:
        """Return whether the ledger is read to its end at the time of the assignment."""
        return self._there is None

    def take(self, record: BudgetRecord) -> None:
        """Apply a record of the ledger."""
        self.position = record.offset + 1
        try:
            if record.value is None:
                self._take_tombstone(record.key)
            else:
                self._take_entry(record)
        except Exception as error:  # noqa: BLE001 - no record may end the reading of others
            self._bad.note(BUDGETS, record.partition, record.offset, error)

    async def reached(self, position: int) -> None:
        """Set the offset up to which the ledger is read; missing cells are written."""
        self.position = max(self.position, position)
        there = self._there
        if there is None or self.position < self._end:
            return
        for number, account in enumerate(self._books.accounts()):
            if account not in there and not self._cell(account).is_nothing:
                self._books.mark(account, self.partition)
            self._books.mark_charged(account)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._there = None

    async def write(self) -> None:
        """Write changed cells, then the mark."""
        if not self.is_ready:
            return
        read_to = self.position
        offsets = {
            meter: self._count.counted(meter, self.partition)
            for meter in self._meters
            if self._count.counts(meter)
        }
        changed = self._books.take_changed(self.partition, offsets)
        if not await self._write_cells(changed):
            return
        touched = {account.meter for account in changed}
        for meter, offset in offsets.items():
            moved = offset - self._marked.get(meter, -MARK_EVERY_OFFSETS)
            if moved >= MARK_EVERY_OFFSETS or (moved and meter in touched):
                mark = mark_entry(
                    meter,
                    self.partition,
                    offset=offset,
                    read_to=read_to,
                    worker=self._me.worker,
                    incarnation=self._me.incarnation,
                )
                if await self._publish([mark]):
                    self._marked[meter] = offset

    async def write_tombstones(self) -> None:
        """Write tombstones for ended windows."""
        if not self.is_ready:
            return
        keys = list(self._stale)[:_AT_ONCE]
        records = [
            Outgoing(topic=BUDGETS, key=key, value=None, partition=self.partition) for key in keys
        ]
        if await self._send(records):
            for key in keys:
                del self._stale[key]

    def queue_tombstones(self, accounts: Iterable[Account]) -> None:
        """Queue tombstones for the sums of ended accounts."""
        for account in accounts:
            if not self._cell(account).is_nothing:
                self._stale[self._key(account)] = None

    def _take_tombstone(self, key: bytes) -> None:
        budget, digest, subject, start, partition = split_entry_key(key)
        if subject is None or start is None or partition != self.partition:
            return
        account = Account(f"{budget}/{digest}", subject, start)
        if self._there is not None:
            self._there.discard(account)
        if not self._cell(account).is_nothing:
            self._books.mark(account, partition)

    def _take_entry(self, record: BudgetRecord) -> None:
        entry = read_entry(record, self._codec)
        if entry.partition != self.partition:
            return
        if isinstance(entry, CompletenessMark):
            return
        meter = self._count.meter(entry.account.meter)
        if meter is None:
            if entry.account.start + UNKNOWN_KEPT_MS < self._count.horizon:
                self._stale[record.key] = None
            return
        if self._count.is_over(meter, entry.account.start):
            self._stale[record.key] = None
            return
        self._alerter.was_alerted(entry.account, entry.alerted)
        if self._there is not None:
            self._there.add(entry.account)
        if self._is_behind(entry):
            self._books.mark(entry.account, self.partition)

    def _is_behind(self, entry: LedgerSum) -> bool:
        """Return whether the accounts have more of the cell than another worker's record of it."""
        if entry.incarnation == self._me.incarnation:
            return False
        if entry.offset > self._count.counted(entry.account.meter, self.partition):
            return False
        return self._cell(entry.account) != entry.value

    async def _write_cells(self, accounts: list[Account]) -> bool:
        """Return whether the broker has all records; unacknowledged ones stay marked as changed."""
        written = 0
        try:
            while written < len(accounts):
                some = accounts[written : written + _AT_ONCE]
                entries = [self._entry(each) for each in some if self._books.holds(each)]
                if not await self._publish(entries):
                    return False
                written += len(some)
            return True
        finally:
            for account in accounts[written:]:
                self._books.mark(account, self.partition)

    def _entry(self, account: Account) -> BudgetEntry:
        at_home = self._books.home(account) == self.partition
        return sum_entry(
            account,
            self.partition,
            self._cell(account),
            offset=self._count.counted(account.meter, self.partition),
            alerted=self._alerter.alerted(account) if at_home else 0.0,
            worker=self._me.worker,
            incarnation=self._me.incarnation,
        )

    def _cell(self, account: Account) -> CellSum:
        return self._books.cell(account, self.partition)

    def _key(self, account: Account) -> bytes:
        budget, _, digest = account.meter.rpartition("/")
        return entry_key(budget, digest, account.subject, account.start, self.partition)

    async def _publish(self, entries: list[BudgetEntry]) -> bool:
        return await self._send(
            [
                Outgoing(
                    topic=BUDGETS,
                    key=entry.key,
                    value=encode_entry(entry, self._codec),
                    partition=self.partition,
                )
                for entry in entries
            ]
        )

    async def _send(self, records: list[Outgoing]) -> bool:
        try:
            for pending in [await self._publisher.publish(record) for record in records]:
                await pending
        except DeliveryError as error:
            log.warning("cannot write the budget ledger, retrying: %s", error)
            return False
        return True
