"""What calls in flight are expected to cost, against a model that adds up anew each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.budgets.reservations import FORGOTTEN_MS, Reservations

PLACES = (("daily", "acme"), ("hourly", "u1"), ("daily", "globex"))

calls = st.sampled_from([f"c{number}" for number in range(6)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), calls, st.integers(0, 500)),
        st.tuples(st.just("settle"), calls, st.none() | st.integers(0, 500)),
        st.tuples(st.just("release"), calls, st.just(0)),
        st.tuples(st.just("wait"), calls, st.sampled_from([1, 60_000, FORGOTTEN_MS])),
    ),
    max_size=60,
)


@given(steps)
def test_each_call_counts_once_from_its_reservation_until_it_was_counted(
    steps: list[tuple[str, str, int | None]],
) -> None:
    reservations, now = Reservations(), 0
    model: dict[str, tuple[int, int]] = {}
    for what, call, number in steps:
        if what == "reserve":
            places = PLACES[: 1 + int(call[1:]) % 3]
            reservations.reserve(call, places, number or 0, now)
            model.setdefault(call, (number or 0, now))
        elif what == "settle":
            reservations.settle(call, number)
            if number is not None and call in model:
                model[call] = (number, model[call][1])
        elif what == "release":
            reservations.release(call)
            model.pop(call, None)
        else:
            now += number or 0
            reservations.forget_stale(now)
            model = {key: kept for key, kept in model.items() if now - kept[1] < FORGOTTEN_MS}
        assert len(reservations) == len(model)
        for number_of, place in enumerate(PLACES):
            expected = sum(
                nano for key, (nano, _) in model.items() if int(key[1:]) % 3 >= number_of
            )
            assert reservations.of(*place) == expected
