"""Accounts: the spend of every budget subject, by partition of the cost topic.

A partition's part of an account is a cell: nano-USD of known cost, nano-USD estimated, calls
without an estimate. The owner of a partition writes its cells to the ledger, so the store reports
changed cells of the tracked partitions. At most `MOST_IN_MEMORY` accounts are held in memory; the
least recently charged are spilled to disk.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from zlib import crc32

from schemas.budget_entries import NO_EXPECTATION
from streams.budgets.spill_store import AccountSpillStore
from streams.routing.budgets import Account, Spent

MOST_IN_MEMORY = 100_000
"""Accounts held in memory, about half a kilobyte each with twelve partitions."""

MOST_ESTIMATES = 50
"""Latest calls of unknown cost that a cell keeps by id; older ones stay counted."""

MOST_ESTIMATED_CALLS = 50_000
"""The same over all cells."""

MOST_NANO = 2**63 - 1
"""Maximum of every sum: the limit of an account's numbers and of the ledger."""

_KNOWN, _ESTIMATED, _UNPRICED, _WIDTH = 0, 1, 2, 3
"""An account is an array: its three sums, then those of each partition."""

Cell = tuple[Account, int]
"""An account's part on a partition."""


@dataclass(slots=True, kw_only=True)
class CellSum:
    """The sums of a cell; `estimates` are its calls of unknown cost by id, nano-USD."""

    known: int = 0
    estimated: int = 0
    unpriced: int = 0
    estimates: dict[str, int] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        """Return whether nothing was ever charged."""
        return not (self.known or self.estimated or self.unpriced)


class AccountStore:
    """All accounts of a worker. Not thread-safe."""

    def __init__(self, partitions: int, most: int = MOST_IN_MEMORY) -> None:
        self.partitions = partitions
        self.tracked: set[int] = set()
        self.changed: dict[int, set[Account]] = {}
        self._charged: dict[Account, None] = {}
        self._most = most
        self._open: OrderedDict[Account, array[int]] = OrderedDict()
        self._spilled = AccountSpillStore()
        self._windows: set[tuple[str, int]] = set()
        self._estimates: dict[Cell, dict[str, int]] = {}
        self._estimated_in: dict[tuple[str, str], Cell] = {}

    def __len__(self) -> int:
        """Return the number of accounts, in memory and on disk."""
        return len(self._open) + len(self._spilled)

    @property
    def in_memory(self) -> int:
        """Return the number of accounts in memory."""
        return len(self._open)

    def close(self) -> None:
        """Close the spill store."""
        self._spilled.close()

    def spent(self, account: Account, reserved: int = 0) -> Spent:
        """Return the spend of an account, with `reserved` (nano-USD) for calls in flight."""
        numbers = self._find(account)
        if numbers is None:
            return Spent(reserved=reserved)
        return Spent(
            known=numbers[_KNOWN],
            estimated=numbers[_ESTIMATED],
            reserved=reserved,
            unpriced=numbers[_UNPRICED],
        )

    def cell(self, account: Account, partition: int) -> CellSum:
        """Return a partition's part of an account."""
        numbers = self._find(account)
        if numbers is None:
            return CellSum()
        return self._sum(account, partition, numbers)

    def charge(self, account: Account, partition: int, cost_nano: int) -> None:
        """Charge a call of known cost."""
        self._add(account, partition, _KNOWN, cost_nano)

    def estimate(self, account: Account, partition: int, call_id: str, nano: int) -> None:
        """Charge a call of unknown cost with its expected one, until `retract`."""
        if (account.meter, call_id) in self._estimated_in:
            return
        self._add_estimate(account, partition, nano, 1)
        cell = (account, partition)
        known = self._estimates.get(cell, {})
        if len(known) >= MOST_ESTIMATES:
            self._pop_estimate(account.meter, next(iter(known)))
        if len(self._estimated_in) >= MOST_ESTIMATED_CALLS:
            self._pop_estimate(*next(iter(self._estimated_in)))
        self._remember(cell, call_id, nano)

    def retract(self, meter: str, call_id: str) -> None:
        """Remove the estimate of a call whose cost is known now."""
        cell = self._estimated_in.get((meter, call_id))
        if cell is not None:
            self._add_estimate(*cell, self._pop_estimate(meter, call_id), -1)

    def set_cell(self, account: Account, partition: int, value: CellSum) -> None:
        """Load a cell from the ledger, before anything is counted for it."""
        at = _place(partition)
        numbers = self._opened(account)
        for column, amount in enumerate((value.known, value.estimated, value.unpriced)):
            cell = _bounded(amount)
            numbers[column] = _bounded(numbers[column] + cell - numbers[at + column])
            numbers[at + column] = cell
        self._forget_estimates((account, partition))
        for call_id, nano in value.estimates.items():
            self._remember((account, partition), call_id, nano)

    def mark(self, account: Account, partition: int) -> None:
        """Mark a cell as changed."""
        if partition in self.tracked:
            self.changed.setdefault(partition, set()).add(account)

    def track(self, partitions: Collection[int]) -> None:
        """Report changes of these partitions from now on, and of no others."""
        self.tracked = set(partitions)
        for partition in set(self.changed) - self.tracked:
            del self.changed[partition]
        for account in [each for each in self._charged if self.home(each) not in self.tracked]:
            del self._charged[account]

    def holds(self, account: Account) -> bool:
        """Return whether anything was ever charged to it."""
        return self._find(account) is not None

    def take_changed(self, partition: int, meters: Collection[str]) -> list[Account]:
        """Return accounts of these meters whose cell changed here since the last call."""
        changed = self.changed.get(partition, set())
        found = [account for account in changed if account.meter in meters]
        changed.difference_update(found)
        return found

    def home(self, account: Account) -> int:
        """Return the partition whose owner is responsible for the whole account."""
        return crc32(f"{account.meter}\n{account.subject}".encode()) % self.partitions

    def take_charged(self, homes: Collection[int], most: int) -> list[Account]:
        """Return accounts at home in these partitions that were charged since the last call."""
        found = [each for each in self._charged if self.home(each) in homes][:most]
        for account in found:
            del self._charged[account]
        return found

    def mark_charged(self, account: Account) -> None:
        """Have `take_charged` return this account, if its home is tracked."""
        if self.home(account) in self.tracked:
            self._charged[account] = None

    def windows(self) -> tuple[tuple[str, int], ...]:
        """Return meters and window starts (ms) that have accounts."""
        return tuple(self._windows)

    def of_window(self, meter: str, start: int) -> list[Account]:
        """Return the accounts of a meter's window."""
        held = [each for each in self._open if each[::2] == (meter, start)]
        return [*held, *self._spilled.of(meter, start)]

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return [
            account for meter, start in self.windows() for account in self.of_window(meter, start)
        ]

    def drop(self, accounts: Iterable[Account]) -> None:
        """Remove these accounts."""
        for account in accounts:
            if self._open.pop(account, None) is None:
                self._spilled.drop(account)
            self._charged.pop(account, None)
            for changed in self.changed.values():
                changed.discard(account)
            for partition in range(self.partitions):
                self._forget_estimates((account, partition))

    def close_window(self, meter: str, start: int) -> None:
        """Remove a meter's window, which has no accounts any more."""
        self._windows.discard((meter, start))

    def _sum(self, account: Account, partition: int, numbers: array[int]) -> CellSum:
        at = _place(partition)
        known, estimated, unpriced = numbers[at : at + _WIDTH]
        return CellSum(
            known=known,
            estimated=estimated,
            unpriced=unpriced,
            estimates=dict(self._estimates.get((account, partition), {})),
        )

    def _add_estimate(self, account: Account, partition: int, nano: int, sign: int) -> None:
        if nano == NO_EXPECTATION:
            self._add(account, partition, _UNPRICED, sign)
        else:
            self._add(account, partition, _ESTIMATED, sign * nano)

    def _add(self, account: Account, partition: int, column: int, amount: int) -> None:
        numbers = self._opened(account)
        for at in (column, _place(partition) + column):
            numbers[at] = _bounded(numbers[at] + amount)
        self._open.move_to_end(account)
        self.mark(account, partition)
        self.mark_charged(account)

    def _remember(self, cell: Cell, call_id: str, nano: int) -> None:
        self._estimates.setdefault(cell, {})[call_id] = nano
        self._estimated_in[cell[0].meter, call_id] = cell

    def _pop_estimate(self, meter: str, call_id: str) -> int:
        cell = self._estimated_in.pop((meter, call_id))
        nano = self._estimates[cell].pop(call_id)
        if not self._estimates[cell]:
            del self._estimates[cell]
        return nano

    def _forget_estimates(self, cell: Cell) -> None:
        for call_id in self._estimates.pop(cell, ()):
            del self._estimated_in[cell[0].meter, call_id]

    def _find(self, account: Account) -> array[int] | None:
        found = self._open.get(account)
        return self._spilled.peek(account) if found is None else found

    def _opened(self, account: Account) -> array[int]:
        found = self._open.get(account)
        if found is not None:
            return found
        found = self._spilled.take(account) or array("q", bytes(8 * _place(self.partitions)))
        self._windows.add((account.meter, account.start))
        self._open[account] = found
        if len(self._open) > self._most:
            self._spilled.put(*self._open.popitem(last=False))
        return found


def _bounded(nano: int) -> int:
    return min(max(nano, 0), MOST_NANO)


def _place(partition: int) -> int:
    return (partition + 1) * _WIDTH
