"""Budget alerts: each level of each account once, by the account's owner.

An account belongs to the owner of one partition, its home, so one worker at a time raises its
alerts. The raised level is stored in the ledger, so the next owner does not raise it again. If a
worker dies between the two, its successor raises the alert a second time: at least once, never not
at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.alert_port import Alerts
from schemas.alert_names import AlertName
from schemas.records import NANO
from streams.budgets.accounts import AccountStore
from streams.routing.budget_windows import window_name
from streams.routing.budgets import Account, Budget, Spent, levels_reached

PER_MINUTE = 20
"""Alerts of one budget per minute that name their subject; further ones are merged into one alert.
"""

_MINUTE_MS = 60_000
_AT_ONCE = 2_000


class BudgetAlerter:
    """Raises due alerts of accounts whose home is owned. Times are broker ms."""

    def __init__(self, books: AccountStore, alerts: Alerts) -> None:
        self._books = books
        self._alerts = alerts
        self._alerted: dict[Account, float] = {}
        self._minute = 0
        self._raised: dict[str, int] = {}
        self._unnamed: dict[str, int] = {}

    def alerted(self, account: Account) -> float:
        """Return the highest raised level, as a share of the limit; 0 before the first."""
        return self._alerted.get(account, 0.0)

    def was_alerted(self, account: Account, level: float) -> None:
        """Apply a raised level from the ledger."""
        if level > self.alerted(account):
            self._alerted[account] = level

    def forget(self, meter: str, start: int) -> None:
        """Stop raising alerts for a meter's window."""
        for account in [each for each in self._alerted if each[::2] == (meter, start)]:
            del self._alerted[account]

    async def raise_due(self, homes: Iterable[int], budgets: Iterable[Budget], now: int) -> None:
        """Raise due alerts of accounts at home in these partitions, at most this many at once."""
        await self._next_minute(now)
        by_meter = {budget.meter.id: budget for budget in budgets}
        for account in self._books.take_charged(frozenset(homes), _AT_ONCE):
            budget = by_meter.get(account.meter)
            if budget is not None:
                await self._raise(budget, account)

    async def _raise(self, budget: Budget, account: Account) -> None:
        spent = self._books.spent(account)
        for level in levels_reached(budget, spent, self.alerted(account)):
            name = budget.meter.name
            self._raised[name] = self._raised.get(name, 0) + 1
            if self._raised[name] <= PER_MINUTE:
                await self._alerts.fire(AlertName.BUDGET, *_words(budget, account, spent, level))
            else:
                self._unnamed[name] = self._unnamed.get(name, 0) + 1
            self._alerted[account] = level
            self._books.mark(account, self._books.home(account))

    async def _next_minute(self, now: int) -> None:
        minute = now // _MINUTE_MS
        if minute == self._minute:
            return
        self._minute = minute
        self._raised.clear()
        await self._raise_unnamed(self._unnamed)
        self._unnamed = {}

    async def _raise_unnamed(self, unnamed: Mapping[str, int]) -> None:
        for name, count in unnamed.items():
            await self._alerts.fire(
                AlertName.BUDGET,
                f"{name}: many subjects ({self._minute})",
                f"{count} more levels of budget {name} were reached within a minute, beyond the "
                "limit of separate alerts; see `sluice query cost_by` for the spend by subject",
            )


def _words(budget: Budget, account: Account, spent: Spent, level: float) -> tuple[str, str]:
    meter = budget.meter
    window = window_name(meter.window, account.start)
    subject = f"{meter.name}: {account.subject or f'no {meter.per}'}, {window}, {level:.0%}"
    come_to = (spent.known + spent.estimated) / NANO
    payer = f"{meter.per} {account.subject}" if account.subject else f"calls without {meter.per}"
    message = (
        f"{level:.0%} of budget {meter.name} is spent by {payer} "
        f"in {window} UTC: "
        f"{come_to:.6f} of {budget.limit_nano / NANO:.6f} USD"
    )
    if spent.estimated:
        message += f", of which {spent.estimated / NANO:.6f} are estimated"
    if spent.unpriced:
        message += f"; {spent.unpriced} calls have no price and are not included"
    return subject, f"{message}; beyond the limit: {budget.then}"
