"""What is spent against a sum, recomputed in plain Python as budgets count it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest

from streams.routing.budget_windows import window_start
from streams.routing.budgets import FEATURE, MODEL, TENANT, USER, BudgetSubject, Meter
from tests.sql.rig.asking import Row, RunQuery, history, same, time_of
from tests.sql.rig.lives import HOUR, Call, Life, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
LIVES = draw_lives()
USD = Decimal("0.002")


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(clickhouse, "budget_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _calls() -> list[tuple[Life, Call, int]]:
    """Calls of the range and when they ended: an interrupted one by its real row."""
    found = [
        (life, call, call.at + (5 if call.late_nano is not None else 0))
        for life in LIVES
        for call in life.calls
    ]
    return [each for each in found if SINCE <= each[2] < UNTIL]


def expected(meter: Meter, feature: str | None = None) -> list[Row]:
    groups: dict[tuple[int, str], list[int | None]] = defaultdict(list)
    for life, call, at in _calls():
        payer = BudgetSubject(
            tenant=life.tenant,
            user_id=life.user_id,
            feature=life.feature,
            model=call.model,
        )
        if call.purpose == "replay" or (feature is not None and life.feature != feature):
            continue
        subject = meter.subject_of(payer)
        assert subject is not None
        groups[window_start(meter.window, at), subject].append(call.known_nano)
    rows = []
    for (start, subject), nanos in groups.items():
        cost = Decimal(sum(nano for nano in nanos if nano is not None)).scaleb(-9)
        rows.append(
            {
                "window": time_of(start),
                "subject": subject,
                "calls": len(nanos),
                "cost": cost,
                "unknown_cost": nanos.count(None),
                "left": USD - cost,
                "used": float(cost / USD),
            }
        )
    return rows


@pytest.mark.parametrize("per", [TENANT, USER, FEATURE, MODEL])
@pytest.mark.parametrize("window", ["hour", "day", "month"])
def test_spend_against_a_sum_is_counted_as_budgets_count(
    run_query: RunQuery, per: str, window: str
) -> None:
    rows = run_query("budget", usd=str(USD), per=per, every=window)

    same(rows, expected(Meter(name="b", per=per, window=window)), "window", "subject")
    assert rows
    assert any(row["used"] > 1 for row in rows)


def test_it_can_be_narrowed_as_budgets_are(run_query: RunQuery) -> None:
    feature = next(life.feature for life in LIVES if life.feature)
    rows = run_query("budget", usd=str(USD), feature=feature)

    same(rows, expected(Meter(name="b", per=TENANT, window="day"), feature), "window", "subject")
    assert rows


def test_without_a_limit_only_the_spend_is_shown(run_query: RunQuery) -> None:
    rows = run_query("budget")

    assert rows
    assert {row["left"] for row in rows} == {row["used"] for row in rows} == {None}
