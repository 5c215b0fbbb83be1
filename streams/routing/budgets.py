"""Budgets: whom a call is charged to, what the budgets say to it, and what they said it from.

A meter says what is counted together: all calls of a tenant, a user, a feature or a model, in an
hour, a day or a month. A budget puts a limit on each subject of a meter. Of several budgets the
strictest counts. A verdict is a pure function of the balances, which it keeps (law 5).
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
MATCHES = ("tenant", "user_id", "user_tier", "feature", "model")
"""What a budget can be narrowed to; the fields of a payer."""

NOBODY = ""
"""Subject of calls that name no user or no feature: together they are one, so that leaving the
name out is no way around a budget."""

NOT_COUNTED = "not counted yet"
"""Stands for what a budget does where its account is not known yet, and nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSubject:
    """Whom a call is charged to; `model` by its registry name, `None` before one is chosen."""

    tenant: str
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    model: str | None = None


class Account(NamedTuple):
    """What one subject of a meter spends in one window, which begins at `start` (ms)."""

    meter: str
    subject: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What is counted together. `digest` stands for the meaning: with it the account changes."""

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
        """Whose account a call of this payer is charged to; `None` where it is none of ours.

        A user's is `tenant/user`: two tenants' users of one name are two.
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
        """The account of a call that ended at `at`, ms; `None` where it is none of ours."""
        subject = self.subject_of(payer)
        if subject is None:
            return None
        return Account(self.id, subject, window_start(self.window, at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit, nano-USD, for each subject of a meter; what happens beyond it; the shares of it at
    which an alert is raised.
    """

    meter: Meter
    limit_nano: int
    then: str = ALERT
    alert_at: tuple[float, ...] = (0.5, 0.8, 1.0)

    @property
    def binds(self) -> bool:
        """Whether it stops anything."""
        return self.then != ALERT


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What an account has come to, nano-USD: of known cost, estimated for calls of unknown cost,
    reserved for this worker's calls in flight. `unpriced` counts calls that can't be estimated.
    """

    known: int = 0
    estimated: int = 0
    reserved: int = 0
    unpriced: int = 0

    @property
    def total(self) -> int:
        """All of it, nano-USD."""
        return self.known + self.estimated + self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A budget's account and what is spent of it; `counted` is false while the log is still read
    for it, when it can't bind yet.
    """

    budget: Budget
    account: Account
    spent: Spent
    counted: bool = True

    @property
    def reopens(self) -> int:
        """When the next window begins, ms."""
        return window_end(self.budget.meter.window, self.account.start)

    def is_over(self, expected_nano: int | None) -> bool:
        """Whether a call of this expected cost has no room left; one of unknown cost never has."""
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
    """Balances that a verdict rests on, and the expected cost, nano-USD."""

    expected_nano: int | None
    balances: tuple[Balance, ...] = ()

    def step(self, at: int, model: str) -> BudgetStep | None:
        """Return the verdict on a model as a step of the hop's trace; `at` is broker time, ms.

        `None` where no budget applies.
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
    """The call may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused(_Judged):
    """`over` are the budgets that have no room for the call."""

    over: tuple[Balance, ...]

    @property
    def why(self) -> str:
        """The budgets without room, for reasons that people read."""
        return "no room in " + ", ".join(f"budget {each.budget.meter.name}" for each in self.over)

    @property
    def spares_other_models(self) -> bool:
        """Whether only budgets of the one model are used up, so that another may be asked."""
        return all(each.budget.meter.per == MODEL for each in self.over)

    @property
    def until(self) -> int:
        """When the last of the budgets without room opens again, ms."""
        return max(balance.reopens for balance in self.over)

    @property
    def message(self) -> str:
        """What the sender is told: which budget, and when it opens again."""
        if self.expected_nano is None:
            return f"{self.why}: no price is known for the model that would be asked"
        return f"{self.why}; send it again after {moment_in_words(self.until)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade(_Refused):
    """Only a call to a cheaper tier may be made; on the first tier the call may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(_Refused):
    """The call may not be made, on whatever tier."""


Verdict = Allowed | Downgrade | Rejected


def verdict_on(balances: Iterable[Balance], expected_nano: int | None) -> Verdict:
    """What the budgets that concern a call say to it; the strictest counts."""
    every = tuple(balances)
    for then, kind in ((REJECT, Rejected), (DOWNGRADE, Downgrade)):
        over = tuple(
            each for each in every if each.budget.then == then and each.is_over(expected_nano)
        )
        if over:
            return kind(expected_nano=expected_nano, balances=every, over=over)
    return Allowed(expected_nano=expected_nano, balances=every)


def levels_reached(budget: Budget, spent: Spent, alerted: float) -> tuple[float, ...]:
    """Alert levels (shares of the limit) that are reached and were not raised yet, ascending."""
    reached = spent.known + spent.estimated
    return tuple(
        level
        for level in sorted(budget.alert_at)
        if level > alerted and reached >= level * budget.limit_nano
    )
