"""Records of the ledger on `llm.budgets.v1`: sums of cells, and completeness marks.

A sum has the total of a cell up to an offset of the cost topic. A mark says that every sum of its
meter and partition is complete up to an offset. So a start reads the sums and counts from the mark,
each cell from its own offset if that is later.

Compaction keeps the last record of a key, and a worker that lost its partition may write late, over
a later sum. Of two sums the one with the higher offset counts. If only the late one is left, it is
after what the mark's writer had read (`read_to`) and below the mark: then counting begins at that
sum's offset instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from schemas.budget_entries import BudgetEntry, BudgetEstimate
from schemas.encoding.avro_mapping import as_record, from_record
from schemas.encoding.codec import Codec
from schemas.errors import UndecodableError
from streams.budgets.accounts import CellSum
from streams.budgets.budget_log import BudgetRecord
from streams.routing.budgets import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSum:
    """A cell in the ledger: counted up to `offset`, written at `written` of the ledger."""

    account: Account
    partition: int
    offset: int
    written: int
    value: CellSum
    alerted: float
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletenessMark:
    """Every sum of a meter on a partition is complete up to `offset`, as of `read_to`."""

    meter: str
    partition: int
    offset: int
    read_to: int


def read_entry(record: BudgetRecord, codec: Codec) -> LedgerSum | CompletenessMark:
    """Decode a record of the ledger that is no tombstone.

    Raises:
        UndecodableError: the bytes are no entry, or a sum is negative.
    """
    entry = from_record(BudgetEntry, codec.decode(record.value or b""))
    if min(entry.known_nano, entry.estimated_nano, entry.unpriced_calls, entry.offset) < 0:
        raise UndecodableError("a sum of the budget ledger is negative")
    meter = f"{entry.budget}/{entry.meter}"
    if entry.subject is None or entry.window_start is None:
        return CompletenessMark(
            meter=meter,
            partition=entry.partition,
            offset=entry.offset,
            read_to=entry.read_to or 0,
        )
    return LedgerSum(
        account=Account(meter, entry.subject, entry.window_start),
        partition=entry.partition,
        offset=entry.offset,
        written=record.offset,
        value=CellSum(
            known=entry.known_nano,
            estimated=entry.estimated_nano,
            unpriced=entry.unpriced_calls,
            estimates={each.call_id: each.nano for each in entry.estimates},
        ),
        alerted=entry.alerted,
        incarnation=entry.incarnation,
    )


def sum_entry(
    account: Account,
    partition: int,
    value: CellSum,
    *,
    offset: int,
    alerted: float,
    worker: str,
    incarnation: str,
) -> BudgetEntry:
    """Return the record of a cell."""
    budget, _, digest = account.meter.rpartition("/")
    return BudgetEntry(
        budget=budget,
        meter=digest,
        subject=account.subject,
        window_start=account.start,
        partition=partition,
        offset=offset,
        known_nano=value.known,
        estimated_nano=value.estimated,
        unpriced_calls=value.unpriced,
        estimates=tuple(
            BudgetEstimate(call_id=call_id, nano=nano) for call_id, nano in value.estimates.items()
        ),
        alerted=alerted,
        worker=worker,
        incarnation=incarnation,
    )


def mark_entry(
    meter: str, partition: int, *, offset: int, read_to: int, worker: str, incarnation: str
) -> BudgetEntry:
    """Return the record of a mark."""
    budget, _, digest = meter.rpartition("/")
    return BudgetEntry(
        budget=budget,
        meter=digest,
        partition=partition,
        offset=offset,
        read_to=read_to,
        worker=worker,
        incarnation=incarnation,
    )


def encode_entry(entry: BudgetEntry, codec: Codec) -> bytes:
    """Return the value of an entry's record."""
    return codec.encode(as_record(entry))


class LedgerPage:
    """One partition of the ledger, read to its end: sums of some meters, and the start offset."""

    def __init__(self, codec: Codec, meters: Collection[str]) -> None:
        self._codec = codec
        self._meters = meters
        self._sums: dict[bytes, LedgerSum] = {}
        self._marks: dict[str, CompletenessMark] = {}
        self.newest = 0
        """Broker time of the latest record, ms."""

    def take(self, record: BudgetRecord) -> None:
        """Apply a record, in the order of the log.

        Raises:
            UndecodableError: it is no entry; nothing was applied.
        """
        if record.value is None:
            self._sums.pop(record.key, None)
            return
        entry = read_entry(record, self._codec)
        self.newest = max(self.newest, record.at)
        meter = entry.meter if isinstance(entry, CompletenessMark) else entry.account.meter
        if meter not in self._meters:
            return
        if isinstance(entry, CompletenessMark):
            known = self._marks.get(entry.meter)
            if known is None or (entry.offset, entry.read_to) >= (known.offset, known.read_to):
                self._marks[entry.meter] = entry
            return
        before = self._sums.get(record.key)
        if before is None or entry.offset >= before.offset:
            self._sums[record.key] = entry

    def drop_beyond(self, end: int) -> list[LedgerSum | CompletenessMark]:
        """Drop entries beyond the end of the cost topic, `end`; return them. If all are, the topic
        was recreated, and they are kept for the caller.
        """
        entries: list[LedgerSum | CompletenessMark] = [*self._sums.values(), *self._marks.values()]
        beyond = [each for each in entries if each.offset > end]
        if len(beyond) == len(entries):
            return []
        self._sums = {key: each for key, each in self._sums.items() if each.offset <= end}
        self._marks = {name: each for name, each in self._marks.items() if each.offset <= end}
        return beyond

    def sums(self, meter: str) -> Iterator[LedgerSum]:
        """Return the sums of a meter."""
        return (each for each in self._sums.values() if each.account.meter == meter)

    def begin(self, meter: str) -> int | None:
        """Return the offset from which the cost topic must be counted; `None` without a mark."""
        mark = self._marks.get(meter)
        if mark is None:
            return None
        late = (
            each.offset
            for each in self.sums(meter)
            if each.written >= mark.read_to and each.offset < mark.offset
        )
        return min(late, default=mark.offset)
