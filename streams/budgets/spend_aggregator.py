"""One reading of the cost topic into the accounts: in order, each call once, from a meter's start.

Invariant, for each meter and partition: every event before `counted` is in the accounts and none
after it. A cell that the ledger had counted further is unchanged up to there. A repeated call
changes nothing, except that a known cost replaces an estimate. So an event may be read any number
of times, by any reading, after any restart, and the sums stay correct.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from schemas.records import HOUR_MS
from streams.budgets.accounts import AccountStore, Cell
from streams.budgets.charges import Charge
from streams.routing.budget_windows import window_end
from streams.routing.budgets import Account, Meter

GRACE_MS = HOUR_MS
"""Time for which an ended window is kept, for calls that are recorded late."""

LOOK_BACK = 2_000
"""Offsets read before counting begins, and calls kept by partition: the maximum distance of two
records of one call that are recognized as one.
"""

Starts = Mapping[int, int]
"""Start offset of counting, by partition."""


class SpendAggregator:
    """A reading, and its meters."""

    def __init__(self, books: AccountStore, meters: Mapping[str, tuple[Meter, Starts]]) -> None:
        self._books = books
        self._meters = {name: meter for name, (meter, _) in meters.items()}
        self._from = {name: dict(starts) for name, (_, starts) in meters.items()}
        self._ahead: dict[Cell, int] = {}
        self._seen: dict[int, OrderedDict[str, bool]] = {}
        self.positions: dict[int, int] = {}
        self.horizon = 0
        for partition in range(books.partitions):
            starts = [own[partition] for own in self._from.values()]
            self.positions[partition] = max(min(starts, default=0) - LOOK_BACK, 0)

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Return the meters."""
        return tuple(self._meters.values())

    def counts(self, meter: str) -> bool:
        """Return whether a meter is counted."""
        return meter in self._meters

    def meter(self, name: str) -> Meter | None:
        """Return the meter of this id, if it is counted."""
        return self._meters.get(name)

    def counted(self, meter: str, partition: int) -> int:
        """Return the offset before which every event of a partition is in a meter's accounts."""
        return max(self._from[meter][partition], self.positions[partition])

    def begins_after(self, account: Account, partition: int, offset: int) -> None:
        """Note that a cell is counted up to `offset`, exclusive."""
        self._ahead[account, partition] = offset

    def has_reached(self, ends: Mapping[int, int]) -> bool:
        """Return whether everything before these offsets is read."""
        return all(self.positions[partition] >= end for partition, end in ends.items())

    def reached(self, partition: int, position: int) -> None:
        """Skip to this offset: the log has a gap, or begins later."""
        self.positions[partition] = max(self.positions[partition], position)

    def take(self, charge: Charge) -> None:
        """Count an event; a repeated one is skipped."""
        partition = charge.partition
        if charge.offset < self.positions[partition]:
            return
        self.positions[partition] = charge.offset + 1
        self.horizon = max(self.horizon, charge.appended_at)
        if not self._is_news(charge):
            return
        for name, meter in self._meters.items():
            if charge.offset >= self._from[name][partition]:
                self._charge(meter, charge)

    def absorb(self, other: SpendAggregator) -> None:
        """Take over the meters of another reading, which is at least as far."""
        self._meters |= other._meters
        for name in other._meters:
            self._from[name] = {
                partition: other.counted(name, partition) for partition in self.positions
            }

    def drop(self, meter: str) -> None:
        """Stop counting a meter, and remove its accounts."""
        del self._meters[meter], self._from[meter]
        for cell in [cell for cell in self._ahead if cell[0].meter == meter]:
            del self._ahead[cell]
        for name, start in self._books.windows():
            if name == meter:
                self._books.drop(self._books.of_window(name, start))
                self._books.close_window(name, start)

    def over(self) -> Iterable[tuple[Meter, int]]:
        """Return windows (meter and start, ms) that ended long ago, by the broker's time."""
        return [
            (self._meters[name], start)
            for name, start in self._books.windows()
            if name in self._meters and self.is_over(self._meters[name], start)
        ]

    def is_over(self, meter: Meter, start: int) -> bool:
        """Return whether this window takes no more charges."""
        return window_end(meter.window, start) + GRACE_MS <= self.horizon

    def forget(self, meter: Meter, start: int) -> None:
        """Remove an ended window."""
        self._books.close_window(meter.id, start)
        for cell in [cell for cell in self._ahead if cell[0][::2] == (meter.id, start)]:
            del self._ahead[cell]

    def _is_news(self, charge: Charge) -> bool:
        """Return whether this record has more about its call than earlier ones."""
        seen = self._seen.setdefault(charge.partition, OrderedDict())
        is_known = charge.cost_nano is not None
        before = seen.get(charge.call_id)
        if before or (before is False and not is_known):
            return False
        seen[charge.call_id] = is_known
        seen.move_to_end(charge.call_id)
        if len(seen) > LOOK_BACK:
            seen.popitem(last=False)
        return True

    def _charge(self, meter: Meter, charge: Charge) -> None:
        account = meter.account_of(charge.payer, charge.at)
        if account is None:
            return
        if charge.cost_nano is not None:
            self._books.retract(meter.id, charge.call_id)
        if self.is_over(meter, account.start) or self._is_ahead(account, charge):
            return
        if charge.cost_nano is not None:
            self._books.charge(account, charge.partition, charge.cost_nano)
        else:
            self._books.estimate(account, charge.partition, charge.call_id, charge.expected_nano)

    def _is_ahead(self, account: Account, charge: Charge) -> bool:
        ahead = self._ahead.get((account, charge.partition))
        if ahead is None:
            return False
        if charge.offset < ahead:
            return True
        del self._ahead[account, charge.partition]
        return False
