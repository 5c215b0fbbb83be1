"""Start of a count: the ledger's sums in the accounts, and the start offsets in the cost topic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping

from schemas.encoding.codec import Codec
from schemas.errors import TopicError
from schemas.topics import BUDGETS, COST
from streams.bad_input.bad_records import BadRecords
from streams.budgets.accounts import AccountStore
from streams.budgets.budget_log import BudgetLog
from streams.budgets.ledger import LedgerPage, LedgerSum
from streams.budgets.spend_aggregator import GRACE_MS, SpendAggregator, Starts
from streams.routing.budget_windows import window_start
from streams.routing.budgets import Meter

MARGIN_MS = 5 * 60 * 1000
"""Time before a window from which the cost topic is read: workers' clocks differ slightly."""


async def begin_count(
    meters: Collection[Meter],
    books: AccountStore,
    log_: BudgetLog,
    ledger: Codec,
    *,
    now: int,
    bad: BadRecords,
) -> SpendAggregator:
    """Return a count for these meters at broker time `now` (ms), with the ledger's sums.

    Raises:
        TopicError: the ledger has offsets beyond the end of the cost topic.
    """
    starts = {meter.id: dict(await _window_starts(meter, log_, now)) for meter in meters}
    ahead: list[LedgerSum] = []
    newest = 0
    async for partition, page in _pages(frozenset(starts), log_, ledger, bad):
        newest = max(newest, page.newest)
        end = (await ends_of(log_))[partition]
        for entry in page.drop_beyond(end):
            where = entry.written if isinstance(entry, LedgerSum) else entry.read_to
            bad.note(BUDGETS, partition, where, "its offset is beyond the end of the cost topic")
        for meter in meters:
            begin = page.begin(meter.id)
            if begin is not None:
                starts[meter.id][partition] = begin
            for each in page.sums(meter.id):
                books.set_cell(each.account, partition, each.value)
                if each.offset > starts[meter.id][partition]:
                    ahead.append(each)
    count = SpendAggregator(books, {meter.id: (meter, starts[meter.id]) for meter in meters})
    count.horizon = newest
    for each in ahead:
        count.begins_after(each.account, each.partition, each.offset)
    _check(starts, ahead, await ends_of(log_))
    return count


async def ends_of(log_: BudgetLog) -> dict[int, int]:
    """Return the end offsets of the cost topic."""
    return {number: end for number, (_, end) in (await log_.bounds(COST)).items()}


async def _window_starts(meter: Meter, log_: BudgetLog, now: int) -> Starts:
    start = window_start(meter.window, now - GRACE_MS)
    return await log_.offsets_at(COST, start - MARGIN_MS)


async def _pages(
    meters: frozenset[str], log_: BudgetLog, ledger: Codec, bad: BadRecords
) -> AsyncIterator[tuple[int, LedgerPage]]:
    """Yield the ledger, one partition at a time: a page may be large."""
    for partition, (begin, end) in (await log_.bounds(BUDGETS)).items():
        if begin == end:
            continue
        page = LedgerPage(ledger, meters)
        reader = await log_.open(BUDGETS, {partition: begin}, follows=False)
        try:
            while (await reader.positions())[partition] < end:
                for record in await reader.read():
                    try:
                        page.take(record)
                    except Exception as error:  # noqa: BLE001 - no record may end the reading
                        bad.note(BUDGETS, partition, record.offset, error)
        finally:
            await reader.close()
        yield partition, page


def _check(
    starts: Mapping[str, Starts], ahead: Collection[LedgerSum], ends: Mapping[int, int]
) -> None:
    """Read the end offsets after the ledger: other workers go on counting meanwhile."""
    counted = [(number, offset) for own in starts.values() for number, offset in own.items()]
    counted += [(each.partition, each.offset) for each in ahead]
    for partition, offset in counted:
        if offset > ends[partition]:
            raise TopicError(
                f"{BUDGETS} counts {COST} up to offset {offset} on partition {partition}, which "
                f"ends at {ends[partition]}: one of the topics was recreated; recreate the other "
                "as well"
            )
