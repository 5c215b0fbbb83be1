"""A worker's metrics: what happens is counted once, labels are bounded, a scrape reads levels."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from core.clock import StillClock
from streams.observability.bounded import OTHER, Bounded
from streams.observability.consumer_lag import consumer_lag
from streams.observability.loop_lag import watch_loop
from streams.observability.metrics import WorkerMetrics
from streams.observability.readings import (
    OPEN,
    InstanceReading,
    Readings,
    SlotsReading,
    observe,
)


def _called(metrics: WorkerMetrics, **more: object) -> None:
    values = {
        "model": "gpt-4o",
        "instance": "one",
        "purpose": "answer",
        "status": "ok",
        "latency_ms": 300.0,
        "cost_nano": 1_500,
    }
    metrics.called(**(values | more))  # type: ignore[arg-type]


def test_a_call_is_counted_timed_and_paid() -> None:
    metrics = WorkerMetrics()
    _called(metrics)
    _called(metrics, cost_nano=500)
    value = metrics.registry.get_sample_value
    labels = {"model": "gpt-4o", "provider_instance": "one", "purpose": "answer", "status": "ok"}
    of_model = {"model": "gpt-4o", "purpose": "answer"}
    assert value("sluice_calls_total", labels) == 2
    assert value("sluice_spend_nano_usd_total", of_model) == 2_000
    assert value("sluice_call_seconds_sum", {"model": "gpt-4o", "provider_instance": "one"}) == 0.6
    assert value("sluice_unknown_cost_calls_total", of_model) == 0


def test_an_unknown_cost_is_counted_as_unknown_and_adds_no_money() -> None:
    metrics = WorkerMetrics()
    _called(metrics, cost_nano=None, latency_ms=None, instance=None)
    value = metrics.registry.get_sample_value
    of_model = {"model": "gpt-4o", "purpose": "answer"}
    assert value("sluice_unknown_cost_calls_total", of_model) == 1
    assert value("sluice_spend_nano_usd_total", of_model) == 0
    assert value("sluice_call_seconds_count", {"model": "gpt-4o", "provider_instance": "none"}) == 0


def test_a_request_that_waited_has_no_overhead() -> None:
    metrics = WorkerMetrics()
    metrics.ended("replied", "simple", 250.0, 4.0)
    metrics.ended("replied", "simple", 12_000.0)
    value = metrics.registry.get_sample_value
    assert value("sluice_outcomes_total", {"status": "replied", "tier": "simple"}) == 2
    assert value("sluice_request_seconds_sum", {"status": "replied", "tier": "simple"}) == 12.25
    assert value("sluice_overhead_seconds_count") == 1
    assert value("sluice_overhead_seconds_bucket", {"le": "0.005"}) == 1


def test_dead_letters_transitions_and_duplicates_are_distinguished() -> None:
    metrics = WorkerMetrics()
    metrics.classified("rules", "simple")
    metrics.hop_ended("parked", "simple")
    metrics.hop_ended("escalated", "simple")
    metrics.dead_lettered("llm.requests.v1", "undecodable")
    metrics.repeated("duplicate")
    value = metrics.registry.get_sample_value
    assert value("sluice_requests_classified_total", {"classifier": "rules", "tier": "simple"}) == 1
    assert value("sluice_hop_transitions_total", {"kind": "parked", "tier": "simple"}) == 1
    assert value("sluice_duplicates_total", {"kind": "duplicate"}) == 1
    aside = {"topic": "llm.requests.v1", "cause": "undecodable"}
    assert value("sluice_dead_letters_total", aside) == 1


def test_two_workers_in_one_process_share_nothing() -> None:
    one, other = WorkerMetrics(), WorkerMetrics()
    one.repeated("done")
    assert other.registry.get_sample_value("sluice_duplicates_total", {"kind": "done"}) is None


def test_values_beyond_the_bound_are_counted_together() -> None:
    registry = CollectorRegistry()
    counter = Bounded(Counter("c", "c", ("model", "kind"), registry=registry), most_values=2)
    for model in ("a", "b", "c", "d", "a"):
        counter.of(model, "x").inc()
    value = registry.get_sample_value
    assert value("c_total", {"model": "a", "kind": "x"}) == 2
    assert value("c_total", {"model": OTHER, "kind": "x"}) == 2
    assert value("c_total", {"model": "c", "kind": "x"}) is None


def test_combinations_beyond_the_bound_are_counted_together() -> None:
    registry = CollectorRegistry()
    counter = Bounded(Counter("c", "c", ("model", "kind"), registry=registry), most_children=3)
    for number in range(10):
        counter.of(str(number), str(number)).inc()
    assert registry.get_sample_value("c_total", {"model": OTHER, "kind": OTHER}) == 7


def test_names_without_an_end_do_not_grow_memory() -> None:
    metrics = WorkerMetrics()
    for number in range(3_000):
        _called(metrics, model=f"m{number}", instance=f"i{number}")
    assert len(generate_latest(metrics.registry).splitlines()) < 10_000
    assert len(metrics._by_call) <= 1_000


def test_a_scrape_reads_levels_as_they_are_now() -> None:
    registry = CollectorRegistry()
    used = {"simple": SlotsReading(used=2, limit=256, in_flight=3)}
    bad = InstanceReading(model="m", instance="i", breaker=OPEN, in_flight=1, requests_level=-0.5)
    observe(
        Readings(
            slots=lambda: used,
            instances=lambda: (bad,),
            retries_left=lambda: 7.5,
            registry_version=lambda: "abc",
            lag=lambda: {("llm.requests.v1", 3): 12},
        ),
        registry,
    )
    value = registry.get_sample_value
    assert value("sluice_slots_used", {"pool": "simple"}) == 2
    assert value("sluice_in_flight", {"pool": "simple"}) == 3
    assert value("sluice_breaker_state", {"model": "m", "provider_instance": "i"}) == 2
    place = {"model": "m", "provider_instance": "i", "bucket": "requests"}
    assert value("sluice_rate_limit_tokens", place) == -0.5
    assert value("sluice_rate_limit_tokens", place | {"bucket": "tokens"}) is None
    assert value("sluice_retries_left") == 7.5
    assert value("sluice_shadow_allowance_nano_usd") is None
    assert value("sluice_registry_info", {"version": "abc"}) == 1
    of_topic = {"topic": "llm.requests.v1", "partition": "3"}
    assert value("sluice_consumer_lag_records", of_topic) == 12
    used["simple"] = SlotsReading(used=0, limit=256, in_flight=0)
    assert value("sluice_slots_used", {"pool": "simple"}) == 0


def test_a_reading_that_fails_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()

    def broken() -> dict[str, SlotsReading]:
        raise RuntimeError

    observe(Readings(slots=broken, retries_left=lambda: 1.0), registry)
    assert registry.get_sample_value("sluice_retries_left") == 1
    assert "cannot read sluice_slots_used" in caplog.text


def test_partitions_without_a_known_end_or_commit_have_no_lag() -> None:
    ends = {("t", 0): 10, ("t", 1): None, ("t", 2): 5, ("t", 3): 0}
    committed = {("t", 0): 7}

    def end(place: tuple[str, int]) -> int | None:
        if place == ("t", 4):
            raise RuntimeError("not assigned")
        return ends[place]

    lag = consumer_lag([("t", number) for number in range(5)], end, committed.get)
    assert lag == {("t", 0): 3, ("t", 3): 0}


def test_the_delay_of_a_late_event_loop_is_measured() -> None:
    clock, seen = StillClock(), []

    async def slow(seconds: float) -> None:
        if len(seen) == 2:
            raise asyncio.CancelledError
        clock.advance(seconds * 1000 + 30)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch_loop(seen.append, clock, slow))
    assert seen == [30.0, 30.0]
