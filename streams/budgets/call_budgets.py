"""Budgets as the handlers use them: verdict, reservation, settlement.

A verdict and its reservation have no `await` between them, so of two calls that compete for the
rest of a budget, one sees the other with its maximum cost. The overshoot of all workers is
therefore at most the cost of their calls in flight, or of those in flight while a cost event is
read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from core.clock import Clock
from streams.budgets.budget_tracker import BudgetTracker
from streams.budgets.reservations import Reservations
from streams.routing.budgets import (
    Allowed,
    Balance,
    Budget,
    BudgetSubject,
    Spent,
    Verdict,
    verdict_on,
)


class Budgets(Protocol):
    """The port. Times are broker ms, amounts nano-USD."""

    def verdict(self, payer: BudgetSubject, expected_nano: int | None, now: int) -> Verdict:
        """Return the verdict on a call of this expected cost; `None` without a price."""
        ...

    def reserve(
        self,
        call_id: str,
        payer: BudgetSubject,
        expected_nano: int | None,
        most_nano: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Reserve a call, without an `await` since its verdict. `most_nano` returns its cost for
        the longest possible answer; it is called only if a budget applies.
        """
        ...

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """Settle a call at this cost, `None` if it is unknown."""
        ...

    def release(self, call_id: str) -> None:
        """Release the reservation of a call that was not made."""
        ...


class NoBudgets:
    """Allows everything: for tests, and without a registry."""

    def verdict(self, payer: BudgetSubject, expected_nano: int | None, now: int) -> Verdict:
        """See `Budgets`."""
        return Allowed(expected_nano=expected_nano)

    def reserve(
        self,
        call_id: str,
        payer: BudgetSubject,
        expected_nano: int | None,
        most_nano: Callable[[], int | None] = lambda: None,
    ) -> None:
        """See `Budgets`."""

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """See `Budgets`."""

    def release(self, call_id: str) -> None:
        """See `Budgets`."""


class LiveBudgets:
    """The registry's current budgets, over spend and calls in flight."""

    def __init__(
        self,
        budgets: Callable[[], Collection[Budget]],
        follower: BudgetTracker,
        reservations: Reservations,
        clock: Clock,
    ) -> None:
        self._budgets = budgets
        self._follower = follower
        self._reservations = reservations
        self._clock = clock

    def verdict(self, payer: BudgetSubject, expected_nano: int | None, now: int) -> Verdict:
        """See `Budgets`."""
        return verdict_on(self._balances(payer, now), expected_nano)

    def reserve(
        self,
        call_id: str,
        payer: BudgetSubject,
        expected_nano: int | None,
        most_nano: Callable[[], int | None] = lambda: None,
    ) -> None:
        """See `Budgets`."""
        concerned = ((each.meter, each.meter.subject_of(payer)) for each in self._budgets())
        places = [(meter.id, subject) for meter, subject in concerned if subject is not None]
        if places:
            now = self._clock.now()
            most = most_nano() or 0
            self._reservations.reserve(
                call_id, places, nano=expected_nano or 0, most_nano=most, now=now
            )

    def settle(self, call_id: str, cost_nano: int | None) -> None:
        """See `Budgets`."""
        self._reservations.settle(call_id, cost_nano)

    def release(self, call_id: str) -> None:
        """See `Budgets`."""
        self._reservations.release(call_id)

    def _balances(self, payer: BudgetSubject, now: int) -> list[Balance]:
        balances = []
        books = self._follower.books
        for budget in self._budgets():
            account = budget.meter.account_of(payer, now)
            if account is None:
                continue
            reserved = self._reservations.of(account.meter, account.subject)
            balances.append(
                Balance(
                    budget=budget,
                    account=account,
                    spent=Spent(reserved=reserved)
                    if books is None
                    else books.spent(account, reserved),
                    counted=self._follower.counts(account.meter),
                )
            )
        return balances
