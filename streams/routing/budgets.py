"""Budgets: the accounts of a call, the decision on it, and the balances behind the decision.

A meter aggregates the calls of a tenant, a user, a feature or a model, in an hour, a day or a
month. A budget sets a limit on each subject of a meter. Of several budgets the strictest applies.
The decision is a pure function of the balances and keeps them (law 5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from streams.routing.budget_windows import moment_in_words, window_end, window_start
from streams.routing.decision_trace import BudgetLine, BudgetStep

TENANT, USER, FEATURE, MODEL = "tenant", "user", "feature", "model"
PER = (TENANT, USER, FEATURE, MODEL)
ALERT, DOWNGRADE, REJECT = "alert", "downgrade", "reject"
THEN = (ALERT, DOWNGRADE, REJECT)

NOBODY = ""
"""Subject of calls without a user or a feature. They share one account, so omitting the name does
not bypass a budget.
"""

NOT_COUNTED = "not counted yet"
"""Action of a budget whose account is not known yet; the budget does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSubject:
    """Subject that a call is charged to; `model` is the registry name, `None` before the choice."""

    tenant: str
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    model: str | None = None


class Account(NamedTuple):
    """Spend of one subject of a meter in one window, which starts at `start` (ms)."""

    meter: str
    subject: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Aggregation of calls. `digest` identifies its definition; a new one has new accounts."""

    name: str
    per: str
    window: str
    match: Mapping[str, frozenset[str]] = field(default_factory=dict)
    digest: str = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        meaning = {name: sorted(values) for name, values in self.match.items()}
        text = orjson.dumps([self.per, self.window, meaning], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(text, digest_size=6).hexdigest()
        object.__setattr__(self, "digest", digest)
        object.__setattr__(self, "id", f"{self.name}/{digest}")

    def subject_of(self, payer: BudgetSubject) -> str | None:
        """Return the subject that a call of this payer is charged to; `None` if the meter excludes
        it.

        A user's subject is `tenant/user`: equal user names of two tenants are different subjects.
        """
        for name, values in self.match.items():
            if getattr(payer, name) not in values:
                return None
        if self.per == TENANT:
            return payer.tenant
        if self.per == USER:
            return f"{payer.tenant}/{payer.user_id or NOBODY}"
        if self.per == FEATURE:
            return payer.feature or NOBODY
        return payer.model

    def account_of(self, payer: BudgetSubject, at: int) -> Account | None:
        """Return the account of a call that ended at `at`, ms; `None` if the meter excludes it."""
        subject = self.subject_of(payer)
        if subject is None:
            return None
        return Account(self.id, subject, window_start(self.window, at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit, nano-USD, for each subject of a meter; the action beyond it; and the shares of it
    that raise an alert.
    """

    meter: Meter
    limit_nano: int
    then: str = ALERT
    alert_at: tuple[float, ...] = (0.5, 0.8, 1.0)

    @property
    def binds(self) -> bool:
        """Return whether the budget blocks calls."""
        return self.then != ALERT


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Spend of an account, nano-USD: known cost, estimated cost of calls without a known one, and
    reservations of this worker's calls in flight. `unpriced` counts calls that can't be estimated.
    """

    known: int = 0
    estimated: int = 0
    reserved: int = 0
    unpriced: int = 0

    @property
    def total(self) -> int:
        """Return the total, nano-USD."""
        return self.known + self.estimated + self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A budget's account and its spend. `counted` is false while the log is still being read; the
    budget does not apply until then.
    """

    budget: Budget
    account: Account
    spent: Spent
    counted: bool = True

    @property
    def reopens(self) -> int:
        """Return the start of the next window, ms."""
        return window_end(self.budget.meter.window, self.account.start)

    def is_over(self, expected_nano: int | None) -> bool:
        """Return whether a call of this expected cost exceeds the limit; an unknown cost always
        does.
        """
        if not self.counted or not self.budget.binds:
            return False
        if expected_nano is None:
            return True
        return self.spent.total + expected_nano > self.budget.limit_nano

    def line(self) -> BudgetLine:
        """Return the balance as a line of the hop's trace."""
        spent = self.spent
        return BudgetLine(
            meter=self.budget.meter.id,
            then=self.budget.then if self.counted else NOT_COUNTED,
            subject=self.account.subject,
            window_start=self.account.start,
            limit_nano=self.budget.limit_nano,
            known_nano=spent.known,
            estimated_nano=spent.estimated,
            reserved_nano=spent.reserved,
            unpriced=spent.unpriced,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """Balances behind a decision, and the expected cost, nano-USD."""

    expected_nano: int | None
    balances: tuple[Balance, ...] = ()

    def step(self, at: int, model: str) -> BudgetStep | None:
        """Return the decision on a model as a step of the hop's trace; `at` is broker time, ms.

        `None` if no budget applies.
        """
        if not self.balances:
            return None
        return BudgetStep(
            at=at,
            model=model,
            verdict=type(self).__name__.lower(),
            budgets=tuple(balance.line() for balance in self.balances),
            expected_nano=self.expected_nano,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed(_Judged):
    """The call is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused(_Judged):
    """The call is not allowed; `over` are the exhausted budgets."""

    over: tuple[Balance, ...]

    @property
    def why(self) -> str:
        """Return the exhausted budgets as text."""
        return "no room in " + ", ".join(f"budget {each.budget.meter.name}" for each in self.over)

    @property
    def spares_other_models(self) -> bool:
        """Return whether only budgets of this model are exhausted, so that another model may be
        called.
        """
        return all(each.budget.meter.per == MODEL for each in self.over)

    @property
    def until(self) -> int:
        """Return the start of the next window of the last exhausted budget, ms."""
        return max(balance.reopens for balance in self.over)

    @property
    def message(self) -> str:
        """Return the message for the sender: the budget, and when it reopens."""
        if self.expected_nano is None:
            return f"{self.why}: no price is known for the model that would be asked"
        return f"{self.why}; send it again after {moment_in_words(self.until)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade(_Refused):
    """Only a call to a cheaper tier is allowed; on the first tier the call is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(_Refused):
    """The call is not allowed on any tier."""


Verdict = Allowed | Downgrade | Rejected


def verdict_on(balances: Iterable[Balance], expected_nano: int | None) -> Verdict:
    """Return the decision of the budgets of a call; the strictest applies."""
    every = tuple(balances)
    for then, kind in ((REJECT, Rejected), (DOWNGRADE, Downgrade)):
        over = tuple(
            each for each in every if each.budget.then == then and each.is_over(expected_nano)
        )
        if over:
            return kind(expected_nano=expected_nano, balances=every, over=over)
    return Allowed(expected_nano=expected_nano, balances=every)


def levels_reached(budget: Budget, spent: Spent, alerted: float) -> tuple[float, ...]:
    """Return the alert levels (shares of the limit) reached and not raised yet, ascending."""
    reached = spent.known + spent.estimated
    return tuple(
        level
        for level in sorted(budget.alert_at)
        if level > alerted and reached >= level * budget.limit_nano
    )
