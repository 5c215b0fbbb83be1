"""An alert fires once and is resolved once: over time, restarts, two evaluators, lost answers."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.evaluation.active_alerts import AlertBook
from streams.alerts.evaluation.evaluator import (
    MOST_SUBJECTS_IN_ALL,
    REMIND_MS,
    UPDATE_MS,
    Evaluator,
)
from streams.alerts.log.event_facts import CallSeen, DeadLetterObserved
from streams.routing.alert_rules import Alerting
from tests.unit.alerts.world import T0, TIERS, World, alerting, call, end, raised

MINUTE = 60_000
SECOND = 1_000
ERRORS = "rules: {error_rate: {above: 0.5, min_sample: 1, window_s: 60, resolve_after_s: 30}}"


def _states(world: World) -> list[str]:
    return [notice.change.value for notice in world.published]


def _failing(world: World, begin: int, seconds: int) -> None:
    world.see(*(end(begin + n * SECOND, "failed") for n in range(seconds)))


def _healthy(world: World, begin: int, seconds: int) -> None:
    world.see(*(end(begin + n * SECOND) for n in range(seconds)))


def test_a_breach_that_lasts_fires_once_and_is_resolved_once() -> None:
    world = World(alerting(ERRORS))
    for second in range(0, 600, 5):
        now = T0 + second * SECOND
        status = "failed" if second < 200 else "replied"
        world.see(end(now, status))
        world.at(now + 1)
    assert _states(world) == ["fired", "resolved"]


def test_a_breach_must_last_before_it_fires() -> None:
    world = World(alerting("rules: {error_rate: {above: 0.5, min_sample: 1, for_s: 60}}"))
    _failing(world, T0, 1)
    assert world.at(T0 + SECOND) == []
    assert world.at(T0 + 60 * SECOND) == []
    assert world.at(T0 + 61 * SECOND) == [("error_rate", "all", "fired")]


def test_a_breach_that_ends_before_its_time_never_fires() -> None:
    rule = "{above: 0.5, min_sample: 1, for_s: 60, window_s: 60}"
    world = World(alerting(f"rules: {{error_rate: {rule}}}"))
    for second in range(0, 300, 10):
        world.see(end(T0 + second * SECOND, "failed" if second % 100 < 30 else "replied"))
        world.at(T0 + second * SECOND + 1)
    assert _states(world) == []


def test_a_value_that_oscillates_around_its_bound_fires_once() -> None:
    world = World(alerting(ERRORS))
    world.see(*(end(T0 + n, "failed") for n in range(51)), *(end(T0 + n) for n in range(49)))
    world.at(T0 + SECOND)
    for second in range(2, 40):
        world.see(end(T0 + second * SECOND, "replied" if second % 2 else "failed"))
        world.at(T0 + second * SECOND + 1)
    assert _states(world) == ["fired"]


def test_a_condition_must_stay_clear_before_it_resolves() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 10)
    world.at(T0 + 10 * SECOND)
    _healthy(world, T0 + 70 * SECOND, 60)
    assert world.at(T0 + 80 * SECOND) == []
    assert world.at(T0 + 109 * SECOND) == []
    assert world.at(T0 + 110 * SECOND) == [("error_rate", "all", "resolved")]


def test_without_data_an_alert_stays_active_for_a_window_and_then_resolves() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 1)
    world.at(T0 + SECOND)
    assert world.at(T0 + 65 * SECOND) == []
    assert world.at(T0 + 100 * SECOND) == []
    assert world.at(T0 + 126 * SECOND) == [("error_rate", "all", "resolved")]
    assert "no recent data" in world.log[-1].message


def test_a_restart_neither_fires_nor_resolves_again() -> None:
    world = World(alerting(ERRORS))
    for second in range(0, 600, 5):
        now = T0 + second * SECOND
        world.see(end(now, "failed" if second < 200 else "replied"))
        if second % 50 == 0:
            world.start()
        world.at(now + 1)
    assert _states(world) == ["fired", "resolved"]


def test_a_restart_restores_the_state_of_its_predecessor() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 10)
    world.start()
    assert world.at(T0 + 10 * SECOND) == [("error_rate", "all", "fired")]


def test_an_alert_that_was_not_published_fires_at_the_next_evaluation() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 10)
    lost = world.wanted(T0 + 10 * SECOND)
    assert [alert.state for alert in lost] == ["fired"]
    assert world.at(T0 + 15 * SECOND) == [("error_rate", "all", "fired")]


def test_two_concurrent_evaluators_deliver_once() -> None:
    world = World(alerting(ERRORS))
    other = Evaluator(world.alerting, TIERS, "w2")
    stale = AlertBook()
    _failing(world, T0, 10)
    for seen in world.events:
        other.take(seen)
    world.at(T0 + 10 * SECOND)
    for alert in chain(*other.evaluate(T0 + 10 * SECOND, stale)):
        world.publish(alert)
    assert len(world.log) == 2
    assert _states(world) == ["fired"]


@given(st.lists(st.tuples(st.sampled_from(["fired", "resolved"]), st.integers(0, 3)), max_size=60))
def test_notices_alternate_for_each_subject_whatever_the_records(
    records: list[tuple[str, int]],
) -> None:
    book, states = AlertBook(), {}
    for place, (state, subject) in enumerate(records):
        alert = raised("r", str(subject), T0 + place, state=state)
        notice = book.take(alert, at=T0 + place, offset=place)
        if notice is not None:
            states.setdefault(alert.subject, []).append(notice.change.value)
    for changes in states.values():
        assert changes == [("fired", "resolved")[n % 2] for n in range(len(changes))]


def test_the_alert_book_is_bounded_and_evicts_the_least_recently_raised() -> None:
    book = AlertBook(most=2)
    for place, subject in enumerate(("a", "b", "a", "c")):
        book.take(raised("r", subject, T0 + place), at=T0 + place, offset=place)
    assert set(book.active) == {("r", "a"), ("r", "c")}


def test_a_removed_rule_resolves_its_alerts() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 10)
    world.at(T0 + 10 * SECOND)
    world.alerting = Alerting()
    world.start()
    assert world.at(T0 + 11 * SECOND) == [("error_rate", "all", "resolved")]


def test_an_alert_active_for_days_is_repeated_but_delivered_once() -> None:
    world = World(alerting(ERRORS))
    _failing(world, T0, 1)
    world.at(T0)
    _failing(world, T0 + REMIND_MS - 5 * SECOND, 10)
    assert world.wanted(T0 + REMIND_MS - 1) == []
    assert world.at(T0 + REMIND_MS) == []
    assert [alert.state for alert in world.log] == ["fired", "fired"]
    assert world.at(T0 + REMIND_MS + SECOND) == []
    assert len(world.log) == 2


def test_an_active_alert_with_a_changed_value_is_published_with_its_current_message() -> None:
    world = World(alerting("rules: {spend: {kind: cost_rate, above: 1}}"))
    world.see(*(call(T0 + n) for n in range(2)))
    world.at(T0 + SECOND)
    world.see(*(call(T0 + MINUTE + n) for n in range(3)))
    assert world.wanted(T0 + SECOND + UPDATE_MS - 1) == []
    assert world.at(T0 + SECOND + UPDATE_MS) == []
    assert [(alert.state, alert.value) for alert in world.log] == [("fired", 2.0), ("fired", 5.0)]
    stands = world.book.active["spend", "all"]
    assert (stands.fired.value, stands.latest.value) == (2.0, 5.0)
    assert world.wanted(T0 + SECOND + 2 * UPDATE_MS) == []


def test_a_resolved_alert_is_not_repeated_in_the_same_evaluation() -> None:
    world = World(alerting("rules: {dead_letters: {resolve_after_s: 0}}"))
    world.see(DeadLetterObserved(at=T0, topic="t"))
    world.at(T0 + SECOND)
    assert world.at(T0 + SECOND + REMIND_MS) == [("dead_letters", "t", "resolved")]
    assert world.at(T0 + 2 * SECOND + REMIND_MS) == []


def test_a_rule_of_the_same_name_takes_over_alerts_of_workers() -> None:
    world = World(alerting("rules: {provider_down: {resolve_after_s: 30}}"))
    world.publish(raised("provider_down", "m/i", T0))
    world.see(*(call(T0 + n * SECOND) for n in range(60)))
    assert world.at(T0 + 20 * SECOND) == []
    assert world.at(T0 + 51 * SECOND) == [("provider_down", "m/i", "resolved")]


def test_the_order_of_partitions_does_not_change_the_alerts() -> None:
    events: list[CallSeen] = [
        call(T0 + n * SECOND, status="timeout" if n % 3 else "ok") for n in range(50)
    ]
    forth = World(alerting("rules: {provider_down: {}}"))
    back = World(alerting("rules: {provider_down: {}}"))
    forth.see(*events)
    back.see(*reversed(events))
    now = T0 + 50 * SECOND
    assert forth.at(now) == back.at(now)
    assert forth.log == back.log


def test_many_rules_distinguish_fewer_subjects_to_bound_memory() -> None:
    rules = ", ".join(
        f"r{n}: {{kind: cost_rate, above: 0, per_tenant: true, window_s: 60}}" for n in range(50)
    )
    world = World(alerting(f"rules: {{{rules}}}"))
    world.see(*(call(T0 + n, tenant=f"t{n}") for n in range(500)))
    changes = world.at(T0 + SECOND)
    assert len(changes) == 50 * (MOST_SUBJECTS_IN_ALL // 50 + 1)
    assert ("r1", "other", "fired") in changes
