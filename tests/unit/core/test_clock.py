"""Broker time is derived from the broker's timestamps, whatever happens to the local clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import BrokerClock

NOON = 1_764_072_000_000.0
HOUR_MS = 3_600_000.0


class Machine:
    """A worker's two clocks: a wall clock that can be set, a monotonic one that can't; and the
    broker's, which is `ahead` of the first as that was at the start.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self.wall, self.count = NOON, 5_000.0
        self.broker = NOON + ahead
        self.clock = BrokerClock(lambda: self.wall, lambda: self.count)

    def passes(self, milliseconds: float) -> None:
        self.wall += milliseconds
        self.count += milliseconds
        self.broker += milliseconds

    def writes(self, under_way: float = 4.0) -> None:
        """A record is sent, stamped half-way and acknowledged."""
        sent = self.count
        self.passes(under_way / 2)
        stamp = int(self.broker)
        self.passes(under_way / 2)
        self.clock.observe(stamp, sent, self.count)

    @property
    def error(self) -> float:
        return abs(self.clock.now() - self.broker)


def test_a_slowly_drifting_clock_converges_to_the_broker_s() -> None:
    machine = Machine()
    machine.writes()
    machine.broker += 1_500
    for _ in range(100):
        machine.writes()

    assert machine.error < 5


@pytest.mark.parametrize("ahead", [HOUR_MS, -HOUR_MS, 900.0])
def test_a_clock_that_is_off_is_right_after_one_record(ahead: float) -> None:
    machine = Machine(ahead=ahead)
    machine.writes()

    assert machine.error < 5


def test_one_broker_of_several_that_is_a_little_off_moves_it_little() -> None:
    machine = Machine()
    machine.writes()
    machine.broker += 1_000
    machine.writes()

    assert machine.clock.now() - (machine.broker - 1_000) == pytest.approx(100, abs=2)


def test_a_record_with_a_long_round_trip_does_not_adjust_the_clock() -> None:
    machine = Machine(ahead=60_000)
    machine.writes(under_way=5_000)

    assert machine.error == pytest.approx(60_000, abs=1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.floats(0, 600_000)),
        st.tuples(st.just("is set"), st.floats(-HOUR_MS, HOUR_MS)),
        st.tuples(st.just("writes"), st.floats(0, 400)),
    ),
    max_size=40,
)


@given(steps=steps, ahead=st.floats(-50, 50))
def test_setting_the_machine_s_clock_changes_nothing(
    steps: list[tuple[str, float]], ahead: float
) -> None:
    machine = Machine(ahead=ahead)
    before = machine.clock.now()
    for what, by in steps:
        if what == "passes":
            machine.passes(by)
        elif what == "writes":
            machine.writes(by)
        else:
            machine.wall += by
        assert machine.error <= 210
        assert machine.clock.now() >= before - 100
        before = machine.clock.now()


@given(st.floats(2_100, 12 * HOUR_MS))
def test_after_a_sleep_of_the_machine_one_record_sets_it_right(slept: float) -> None:
    machine = Machine()
    machine.wall += slept
    machine.broker += slept
    machine.writes()

    assert machine.error < 5
