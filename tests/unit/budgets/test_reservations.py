"""Expected cost of calls in flight, against a model that recomputes the sum each time."""

from __future__ import annotations

from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from streams.budgets.reservations import FORGOTTEN_MS, Reservations

PLACES = (("daily", "acme"), ("hourly", "u1"), ("daily", "globex"))

calls = st.sampled_from([f"c{number}" for number in range(6)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), calls, st.integers(0, 500), st.integers(0, 5_000)),
        st.tuples(st.just("settle"), calls, st.none() | st.integers(0, 500), st.just(0)),
        st.tuples(st.just("release"), calls, st.just(0), st.just(0)),
        st.tuples(st.just("wait"), calls, st.sampled_from([1, 60_000, FORGOTTEN_MS]), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_each_call_counts_once_from_its_reservation_until_it_was_counted(
    steps: list[tuple[str, str, int | None, int]],
) -> None:
    reservations, now = Reservations(), 0
    model: dict[str, tuple[int, int, int]] = {}
    for what, call, number, most in steps:
        if what == "reserve":
            places = PLACES[: 1 + int(call[1:]) % 3]
            nano = number or 0
            reservations.reserve(call, places, nano=nano, most_nano=most, now=now)
            model.setdefault(call, (nano, max(most - nano, 0), now))
        elif what == "settle":
            reservations.settle(call, number)
            if call in model:
                nano, _, at = model[call]
                model[call] = (nano if number is None else number, 0, at)
        elif what == "release":
            reservations.release(call)
            model.pop(call, None)
        else:
            now += number or 0
            reservations.forget_stale(now)
            model = {key: kept for key, kept in model.items() if now - kept[2] < FORGOTTEN_MS}
        assert len(reservations) == len(model)
        for order, place in enumerate(PLACES):
            here = [kept for key, kept in model.items() if int(key[1:]) % 3 >= order]
            beyond = isqrt(sum(each**2 for _, each, _ in here))
            assert reservations.of(*place) == sum(nano for nano, _, _ in here) + beyond


def _reserved(count: int, nano: int, most_nano: int) -> int:
    reservations = Reservations()
    for number in range(count):
        reservations.reserve(f"c{number}", PLACES[:1], nano=nano, most_nano=most_nano, now=0)
    return reservations.of(*PLACES[0])


def test_one_call_is_reserved_at_the_most_that_it_may_cost() -> None:
    assert _reserved(1, 10, 3_000) == 3_000


def test_many_calls_are_reserved_near_what_they_cost_on_average() -> None:
    assert _reserved(100, 10, 1_010) == 100 * 10 + 10 * 1_000
    assert _reserved(100, 10, 10) == 1_000
