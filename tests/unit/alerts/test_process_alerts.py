"""How alerts that workers raise themselves resolve."""

from __future__ import annotations

import pytest

from schemas.alert_names import AlertName, Resolution
from streams.alerts.evaluation.process_alerts import QUIET_MS, budget_window_end
from streams.budgets.budget_alerts import _words
from streams.routing.alert_rules import Alerting
from streams.routing.budget_windows import window_end, window_name, window_start
from streams.routing.budgets import Account, Budget, Meter, Spent
from tests.unit.alerts.world import T0, World, raised

MINUTE = 60_000
HOUR = 60 * MINUTE


def _states(world: World) -> list[str]:
    return [notice.change.value for notice in world.published]


def test_an_alert_of_a_worker_ends_if_it_is_not_repeated() -> None:
    world = World(Alerting())
    world.publish(raised("provider_down", "m/i", T0))
    world.publish(raised("provider_down", "m/i", T0 + 10 * MINUTE))
    assert world.at(T0 + QUIET_MS) == []
    assert world.at(T0 + 10 * MINUTE + QUIET_MS) == [("provider_down", "m/i", "resolved")]


@pytest.mark.parametrize(
    "name", [name for name in AlertName if name.resolution is Resolution.QUIET]
)
def test_every_quiet_alert_is_over_after_the_quiet_time(name: AlertName) -> None:
    world = World(Alerting())
    world.publish(raised(name, "subject", T0))
    assert world.at(T0 + QUIET_MS - 1) == []
    assert world.at(T0 + QUIET_MS) == [(name, "subject", "resolved")]


@pytest.mark.parametrize(
    "name", [name for name in AlertName if name.resolution is Resolution.EVALUATED]
)
def test_the_alert_about_missing_evaluation_resolves_at_the_next_evaluation(
    name: AlertName,
) -> None:
    world = World(Alerting())
    world.publish(raised(name, "all", T0))
    assert world.at(T0 + 1) == [(name, "all", "resolved")]
    assert world.at(T0 + 2) == []


def test_an_unknown_alert_stays_active_until_its_publisher_resolves_it() -> None:
    world = World(Alerting())
    world.publish(raised("by_hand", "acme", T0))
    assert world.at(T0 + 48 * 60 * MINUTE) == []
    world.publish(raised("by_hand", "acme", T0 + MINUTE, state="resolved"))
    assert _states(world) == ["fired", "resolved"]


@pytest.mark.parametrize(("window", "lasts"), [("hour", HOUR), ("day", 24 * HOUR)])
def test_a_budgets_level_is_over_when_its_window_is(window: str, lasts: int) -> None:
    start = window_start(window, T0)
    subject = f"team: acme, inc, {window_name(window, start)}, 80%"
    world = World(Alerting())
    world.publish(raised("budget", subject, T0))
    assert world.at(start + lasts - 1) == []
    assert world.at(start + lasts) == [("budget", subject, "resolved")]


def test_every_subject_of_a_budgets_alert_names_the_end_of_its_window() -> None:
    account = Account("team", "a, b", window_start("month", T0))
    budget = Budget(
        meter=Meter(name="team", per="tenant", window="month"),
        limit_nano=1_000,
        then="alert",
        alert_at=(1.0,),
    )
    subject, _ = _words(budget, account, Spent(known=1, estimated=0, unpriced=0), 1.0)
    assert budget_window_end(subject) == window_end("month", account.start)
    assert budget_window_end("team: many subjects (28333)") is None
