"""Sliding windows contain the events of their time, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.alerts.evaluation.sliding_windows import MOST_SUBJECTS, OTHER, STEPS, Windows

WINDOW = 60_000
T0 = 1_700_000_040_000


@given(st.lists(st.tuples(st.integers(0, 4 * WINDOW), st.integers(0, 9)), max_size=80))
def test_the_current_and_previous_window_hold_their_events(
    events: list[tuple[int, int]],
) -> None:
    windows, now, step = Windows(WINDOW), T0 + 4 * WINDOW, WINDOW // STEPS
    for at, amount in events:
        windows.take("s", T0 + at, amount)
    sums = dict(windows.sums(now)).get("s")
    last = now // step
    recent = [n for at, n in events if last - STEPS < (T0 + at) // step <= last]
    before = [n for at, n in events if last - 2 * STEPS < (T0 + at) // step <= last - STEPS]
    found = (0, 0.0, 0, 0.0)
    if sums is not None:
        found = (sums.count, sums.amount, sums.count_before, sums.amount_before)
    assert found == (len(recent), sum(recent), len(before), sum(before))


def test_events_older_than_two_windows_are_dropped() -> None:
    windows = Windows(WINDOW)
    for number in range(10_000):
        windows.take("s", T0 + number * 1_000, 1.0)
        dict(windows.sums(T0 + number * 1_000))
    assert len(windows._subjects["s"]) <= 2 * STEPS
    assert dict(windows.sums(T0 + 20_000 * 1_000)) == {}
    assert windows._subjects == {}


def test_subjects_beyond_the_bound_are_counted_together() -> None:
    windows = Windows(WINDOW)
    for number in range(MOST_SUBJECTS + 50):
        windows.take(str(number), T0, 1.0)
    found = dict(windows.sums(T0))
    assert len(found) == MOST_SUBJECTS + 1
    assert found[OTHER].count == 50


def test_a_sum_of_nothing_is_zero_and_a_mean_of_nothing_is_unknown() -> None:
    windows = Windows(WINDOW)
    windows.take("s", T0 - WINDOW - 1, 4.0)
    sums = dict(windows.sums(T0))["s"]
    assert sums.total("s").value == 0.0
    mean = sums.mean("s")
    assert (mean.value, mean.before) == (None, pytest.approx(4.0))
