"""What each kind of rule measures, when it fires, and when it is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.log.event_facts import DeadLetterObserved, LagSeen
from streams.routing.alert_rules import AlertRule, MeasureKind, Measurement, RuleState, judge
from tests.unit.alerts.world import T0, World, alerting, call, end, score

MINUTE = 60_000
SECOND = 1_000


def test_spending_faster_than_allowed_fires_and_unknown_costs_add_nothing() -> None:
    world = World(alerting("rules: {spend: {kind: cost_rate, above: 30, window_s: 600}}"))
    world.see(*(call(T0 + n * SECOND) for n in range(4)))
    world.see(call(T0 + 5 * SECOND, cost_nano=None))
    assert world.at(T0 + MINUTE) == []
    world.see(call(T0 + MINUTE, cost_nano=2_000_000_000))
    assert world.at(T0 + MINUTE + SECOND) == [("spend", "all", "fired")]
    assert world.log[0].value == pytest.approx(36.0)
    assert world.log[0].threshold == 30


def test_spend_is_counted_by_tenant_if_per_tenant_is_set() -> None:
    rule = "{kind: cost_rate, above: 30, window_s: 600, per_tenant: true, tenant: [a, b]}"
    world = World(alerting(f"rules: {{spend: {rule}}}"))
    world.see(*(call(T0, tenant=name, cost_nano=6_000_000_000) for name in ("a", "c")))
    world.see(call(T0, tenant="b"))
    assert world.at(T0 + SECOND) == [("spend", "a", "fired")]


def test_failing_calls_fire_fallbacks_and_an_instance_that_is_down_by_itself() -> None:
    world = World(alerting("rules: {fallback_rate: {}, provider_down: {}}"))
    world.see(*(call(T0 + n, instance="bad", status="timeout") for n in range(6)))
    world.see(*(call(T0 + n, instance="good") for n in range(14)))
    world.see(*(call(T0 + n, instance="full", status="rate_limited") for n in range(5)))
    assert set(world.at(T0 + SECOND)) == {
        ("fallback_rate", "all", "fired"),
        ("provider_down", "m/bad", "fired"),
    }


def test_only_answering_calls_count_as_fallbacks() -> None:
    world = World(alerting("rules: {fallback_rate: {}}"))
    world.see(*(call(T0 + n, purpose="judge", status="server") for n in range(100)))
    assert world.at(T0 + SECOND) == []


def test_errors_are_failed_and_expired_and_rejections_are_their_senders() -> None:
    world = World(alerting("rules: {error_rate: {above: 0.5, min_sample: 4}}"))
    world.see(*(end(T0 + n, "rejected") for n in range(50)))
    world.see(end(T0), end(T0, "failed"), end(T0, "expired"))
    assert world.at(T0 + SECOND) == []
    world.see(end(T0 + SECOND, "expired"))
    assert world.at(T0 + 2 * SECOND) == [("error_rate", "all", "fired")]


def test_quality_below_its_bound_fires_for_that_tier_only() -> None:
    world = World(alerting("rules: {quality_drop: {below: 0.6, min_sample: 10}}"))
    world.see(*(score(T0 + n, 0.5, "simple") for n in range(10)))
    world.see(*(score(T0 + n, 0.8, "complex") for n in range(10)))
    assert world.at(T0 + SECOND) == [("quality_drop", "simple", "fired")]


def test_quality_that_falls_against_the_window_before_fires_and_a_rise_does_not() -> None:
    rule = "{change: 0.1, window_s: 600, min_sample: 10}"
    for before, after, fired in ((0.8, 0.6, True), (0.6, 0.8, False)):
        world = World(alerting(f"rules: {{quality_drop: {rule}}}"))
        world.see(*(score(T0 + n, before) for n in range(10)))
        assert world.at(T0 + SECOND) == []
        world.see(*(score(T0 + 11 * MINUTE + n, after) for n in range(10)))
        changes = world.at(T0 + 11 * MINUTE + SECOND)
        assert changes == ([("quality_drop", "simple", "fired")] if fired else [])


def test_a_shift_of_the_first_tiers_share_fires_in_both_directions() -> None:
    rule = "{change: 0.3, window_s: 600, min_sample: 10}"
    for before, after in (("simple", "complex"), ("complex", "simple")):
        world = World(alerting(f"rules: {{distribution_shift: {rule}}}"))
        world.see(*(end(T0 + n, tier=before) for n in range(10)))
        world.see(*(end(T0 + 11 * MINUTE + n, tier=after) for n in range(10)))
        changes = world.at(T0 + 11 * MINUTE + SECOND)
        assert changes == [("distribution_shift", "all", "fired")]


def test_one_answered_call_without_a_price_fires_for_its_model() -> None:
    world = World(alerting("rules: {unknown_price: {}}"))
    world.see(call(T0, model="cut", status="interrupted", cost_nano=None, price_source=None))
    world.see(call(T0, model="new", cost_nano=None, price_source=None))
    assert world.at(T0 + SECOND) == [("unknown_price", "new", "fired")]


def test_one_dead_letter_fires_and_is_over_a_window_later() -> None:
    world = World(alerting("rules: {dead_letters: {window_s: 300, resolve_after_s: 0}}"))
    world.see(DeadLetterObserved(at=T0, topic="llm.requests.v1"))
    assert world.at(T0 + SECOND) == [("dead_letters", "llm.requests.v1", "fired")]
    assert world.at(T0 + 4 * MINUTE) == []
    assert world.at(T0 + 6 * MINUTE) == [("dead_letters", "llm.requests.v1", "resolved")]


def test_lag_that_lasts_fires_and_one_peak_does_not() -> None:
    world = World(alerting("rules: {consumer_lag: {above: 100, window_s: 60}}"))
    lags = [0, 0, 500]
    for number, records in enumerate(lags):
        at = T0 + number * 10_000
        world.see(LagSeen(at=at, group="sluice", topic="llm.requests.v1", records=records // 5))
    assert world.at(T0 + 30_000) == []
    for number in range(3, 6):
        at = T0 + number * 10_000
        world.see(LagSeen(at=at, group="sluice", topic="llm.requests.v1", records=400))
    assert world.at(T0 + 50_000) == [("consumer_lag", "sluice/llm.requests.v1", "fired")]


def test_too_small_a_sample_is_undecided() -> None:
    world = World(alerting("rules: {error_rate: {min_sample: 20}}"))
    world.see(*(end(T0 + n, "failed") for n in range(19)))
    assert world.at(T0 + SECOND) == []
    world.see(end(T0 + 20, "failed"))
    assert world.at(T0 + SECOND) == [("error_rate", "all", "fired")]


RULE = AlertRule(name="r", kind=MeasureKind.ERROR_RATE, window_ms=MINUTE, above=0.5)


def _verdict(value: float, *, firing: bool) -> RuleState:
    return judge(RULE, Measurement(subject="s", value=value, sample=10), firing=firing).verdict


def test_within_the_hysteresis_nothing_changes() -> None:
    assert _verdict(0.51, firing=False) is RuleState.BREACHED
    assert _verdict(0.48, firing=True) is RuleState.BETWEEN
    assert _verdict(0.44, firing=True) is RuleState.CLEAR


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_breach_is_never_clear_whatever_the_bounds(
    value: float, above: float, below: float, firing: bool
) -> None:
    rule = AlertRule(name="r", kind=MeasureKind.ERROR_RATE, window_ms=1, above=above, below=below)
    verdict = judge(rule, Measurement(subject="s", value=value, sample=1), firing=firing).verdict
    assert (verdict is RuleState.BREACHED) == (value > above or value < below)
