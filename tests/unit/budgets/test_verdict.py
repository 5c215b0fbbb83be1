"""The strictest budget counts, windows are in UTC, verdicts are reproducible from their records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.budget_windows import WINDOWS, window_end, window_name, window_start
from streams.routing.budgets import (
    ALERT,
    DOWNGRADE,
    MODEL,
    NOT_COUNTED,
    REJECT,
    TENANT,
    USER,
    Account,
    Allowed,
    Balance,
    Budget,
    BudgetSubject,
    Downgrade,
    Meter,
    Rejected,
    Spent,
    Verdict,
    levels_reached,
    verdict_on,
)
from streams.routing.decision_inputs import read_step
from streams.routing.decision_trace import BudgetStep

AT = int(datetime(2026, 11, 25, 14, 30, tzinfo=UTC).timestamp() * 1000)


def _balance(
    then: str = REJECT,
    *,
    name: str = "b",
    limit: int = 100,
    per: str = TENANT,
    window: str = "day",
    counted: bool = True,
    **spent: int,
) -> Balance:
    meter = Meter(name=name, per=per, window=window)
    start = window_start(window, AT)
    return Balance(
        budget=Budget(meter=meter, limit_nano=limit, then=then),
        account=Account(meter.id, "acme", start),
        spent=Spent(**spent),
        counted=counted,
    )


def test_a_call_that_just_fits_is_allowed_and_one_nano_more_is_not() -> None:
    balance = _balance(known=50, estimated=20, reserved=10)

    assert isinstance(verdict_on([balance], 20), Allowed)
    assert isinstance(verdict_on([balance], 21), Rejected)


def test_the_strictest_of_several_counts() -> None:
    full = {"known": 100}
    verdict = verdict_on(
        [_balance(ALERT, **full), _balance(REJECT, **full), _balance(DOWNGRADE, **full)], 1
    )

    assert isinstance(verdict, Rejected)
    assert isinstance(
        verdict_on([_balance(DOWNGRADE, **full), _balance(REJECT, known=1)], 1), Downgrade
    )
    assert isinstance(verdict_on([_balance(ALERT, **full)], 1), Allowed)


def test_a_blocking_budget_rejects_a_call_of_unknown_price() -> None:
    assert isinstance(verdict_on([_balance(REJECT)], None), Rejected)
    assert isinstance(verdict_on([_balance(ALERT)], None), Allowed)
    assert isinstance(verdict_on([], None), Allowed)


def test_a_budget_does_not_bind_before_its_log_is_read() -> None:
    assert isinstance(verdict_on([_balance(known=500, counted=False)], 1), Allowed)


def test_a_rejection_names_the_budget_and_its_next_window() -> None:
    hour = _balance(name="burst", window="hour", known=100)
    day = _balance(name="daily", window="day", known=100)
    verdict = verdict_on([hour, day], 1)

    assert isinstance(verdict, Rejected)
    assert verdict.message == (
        "no room in budget burst, budget daily; send it again after 2026-11-26 00:00 UTC"
    )


def test_other_models_are_spared_only_if_all_exhausted_budgets_are_of_one_model() -> None:
    model = _balance(per=MODEL, known=100)
    both = verdict_on([model, _balance(known=100)], 1)
    one = verdict_on([model, _balance(known=0)], 1)

    assert isinstance(one, Rejected)
    assert one.spares_other_models
    assert isinstance(both, Rejected)
    assert not both.spares_other_models


def test_user_accounts_are_per_tenant_and_unnamed_users_share_one() -> None:
    meter = Meter(name="u", per=USER, window="day")

    assert meter.subject_of(BudgetSubject(tenant="a", user_id="x")) != meter.subject_of(
        BudgetSubject(tenant="b", user_id="x")
    )
    assert meter.subject_of(BudgetSubject(tenant="a")) == "a/"


def test_a_meter_id_depends_on_what_is_counted_and_not_on_the_limit() -> None:
    match = {"feature": frozenset({"x", "y"})}
    one = Meter(name="m", per=TENANT, window="day", match=match)

    assert one.id == Meter(name="m", per=TENANT, window="day", match=match).id
    assert one.id != Meter(name="m", per=TENANT, window="hour", match=match).id
    assert one.id != Meter(name="m", per=USER, window="day", match=match).id
    assert one.id != Meter(name="m", per=TENANT, window="day").id


def _again(step: BudgetStep, budgets: Iterable[Budget]) -> Verdict:
    by_meter = {budget.meter.id: budget for budget in budgets}
    balances = []
    for line in step.budgets:
        spent = Spent(
            known=line.known_nano,
            estimated=line.estimated_nano,
            reserved=line.reserved_nano,
            unpriced=line.unpriced,
        )
        balances.append(
            Balance(
                budget=by_meter[line.meter],
                account=Account(line.meter, line.subject, line.window_start),
                spent=spent,
                counted=line.then != NOT_COUNTED,
            )
        )
    return verdict_on(balances, step.expected_nano)


spends = st.integers(0, 300)


@given(
    st.lists(st.tuples(st.sampled_from([ALERT, DOWNGRADE, REJECT]), spends, spends), max_size=4),
    st.none() | spends,
    st.booleans(),
)
def test_a_verdict_is_reproducible_from_its_record(
    rows: list[tuple[str, int, int]], expected: int | None, counted: bool
) -> None:
    balances = [
        _balance(then, name=f"b{number}", known=known, reserved=reserved, counted=counted)
        for number, (then, known, reserved) in enumerate(rows)
    ]
    verdict = verdict_on(balances, expected)
    step = verdict.step(7, "small")
    if step is None:
        assert not balances
        return
    recorded = read_step(orjson.loads(orjson.dumps(step.document())))
    assert isinstance(recorded, BudgetStep)
    again = _again(recorded, [balance.budget for balance in balances])

    assert type(again) is type(verdict)
    assert again.step(7, "small") == step == recorded


@given(st.integers(0, 4_102_444_800_000), st.sampled_from(WINDOWS))
def test_every_time_is_in_exactly_one_window(at: int, window: str) -> None:
    start = window_start(window, at)
    end = window_end(window, start)

    assert start <= at < end
    assert window_start(window, end - 1) == start
    assert window_start(window, end) == end


def test_windows_have_names() -> None:
    names = [window_name(window, window_start(window, AT)) for window in ("hour", "day", "month")]

    assert names == ["2026-11-25 14:00", "2026-11-25", "2026-11"]


def test_levels_are_reached_by_spend_not_by_reservations() -> None:
    budget = _balance(limit=100).budget

    assert levels_reached(budget, Spent(known=49, reserved=60), 0.0) == ()
    assert levels_reached(budget, Spent(known=60, estimated=25), 0.0) == (0.5, 0.8)
    assert levels_reached(budget, Spent(known=120), 0.8) == (1.0,)
