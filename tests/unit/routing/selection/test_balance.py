"""A model's instances are balanced by load and weight; randomness comes from keyed draws alone."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.draws import draw
from streams.routing.selection.candidates import InstanceStatus, ModelRequirements, balance
from tests.unit.routing.world import model


def _order(
    conditions: dict[str, InstanceStatus], weights: tuple[float, ...] = (1, 1), spread: str = ""
) -> list[str]:
    places = tuple("abcdefgh"[: len(weights)])
    served = model("m", instances=places, weights=weights, expected_latency_ms=100)
    known = {("m", place): condition for place, condition in conditions.items()}
    need = ModelRequirements(
        capabilities=frozenset(),
        context_tokens=1,
        max_output_tokens=None,
        time_left_ms=1,
        spread=spread,
    )
    ordered = balance(served, served.instances, need, known)
    return [instance.name for instance in ordered]


def test_the_less_loaded_faster_and_heavier_instance_is_first() -> None:
    assert _order({"a": InstanceStatus(in_flight=1)}) == ["b", "a"]
    slower = InstanceStatus(latency_ms=101, in_flight=1)
    assert _order({"a": slower, "b": InstanceStatus(latency_ms=99, in_flight=1)}) == ["b", "a"]
    assert _order({"a": InstanceStatus(in_flight=3), "b": InstanceStatus(in_flight=3)}, (1, 2)) == [
        "b",
        "a",
    ]


def test_latency_times_calls_in_flight_over_weight_is_what_counts() -> None:
    busy, slow = (
        InstanceStatus(latency_ms=100, in_flight=2),
        InstanceStatus(latency_ms=299, in_flight=0),
    )

    assert _order({"a": busy, "b": slow}) == ["b", "a"]
    assert _order({"a": busy, "b": slow}, (1.01, 1)) == ["a", "b"]


def test_an_instance_without_calls_has_its_model_s_expected_latency() -> None:
    new = InstanceStatus(in_flight=1)

    assert _order({"a": InstanceStatus(latency_ms=99, in_flight=1), "b": new}) == ["a", "b"]
    assert _order({"a": InstanceStatus(latency_ms=101, in_flight=1), "b": new}) == ["b", "a"]


def test_equal_instances_share_the_requests_equally() -> None:
    first = Counter(_order({}, (1, 1, 1), f"t/r{number}/0/0")[0] for number in range(3_000))

    assert all(900 <= first[place] <= 1_100 for place in "abc")


def test_the_same_hop_is_sent_the_same_way_again() -> None:
    assert len({tuple(_order({}, (1,) * 8, "t/r/0/0")) for _ in range(5)}) == 1


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (1, 2, 5), (0.5, 0.25, 0.25)])
def test_long_calls_fill_the_instances_by_their_weights(weights: tuple[float, ...]) -> None:
    calls = dict.fromkeys("abcdefgh"[: len(weights)], 0)
    for number in range(800):
        conditions = {place: InstanceStatus(in_flight=count) for place, count in calls.items()}
        calls[_order(conditions, weights, f"t/r{number}/0/0")[0]] += 1

    for (place, count), weight in zip(calls.items(), weights, strict=True):
        assert count == pytest.approx(800 * weight / sum(weights), abs=1), place


def test_among_equally_loaded_instances_the_heavier_one_is_drawn_more_often() -> None:
    level = {"a": InstanceStatus(in_flight=2), "b": InstanceStatus(in_flight=0)}
    first = Counter(_order(level, (3, 1), f"t/r{number}/0/0")[0] for number in range(2_000))

    assert 1_400 <= first["a"] <= 1_800


def test_idle_instances_share_a_light_load_by_weight_and_speed() -> None:
    known = {"a": InstanceStatus(latency_ms=100), "b": InstanceStatus(latency_ms=50)}
    first = Counter(_order(known, (3, 1), f"t/r{number}/0/0")[0] for number in range(3_000))

    assert first["a"] / 3_000 == pytest.approx(3 / 5, abs=0.03)


def test_an_idle_instance_that_is_slow_does_not_take_work_from_a_quick_one() -> None:
    known = {
        "a": InstanceStatus(latency_ms=100, in_flight=1),
        "b": InstanceStatus(latency_ms=5_000),
    }

    assert _order(known) == ["a", "b"]


def test_the_draw_of_a_key_never_changes() -> None:
    assert draw("t/r/0/0/m/a") == draw("t/r/0/0/m/a")
    assert round(draw("retry/1"), 6) == 0.037979
    assert draw("t/r/0/0/m/a") != draw("t/r/0/0/m/b")


def test_draws_are_spread_evenly() -> None:
    bins = Counter(int(draw(f"key {number}") * 10) for number in range(10_000))

    assert set(bins) == set(range(10))
    assert all(880 <= count <= 1_120 for count in bins.values())


def test_the_greatest_draw_is_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Highest:
        def digest(self) -> bytes:
            return b"\xff" * 8

    monkeypatch.setattr(hashlib, "blake2b", lambda *_, **__: Highest())

    assert draw("any") < 1


@given(st.text())
def test_any_key_has_a_draw(key: str) -> None:
    assert 0 <= draw(key) < 1
