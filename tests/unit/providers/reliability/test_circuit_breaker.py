"""A breaker opens on failures, probes, and never stays open permanently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.providers.reliability.circuit_breaker import (
    CONSECUTIVE,
    FIRST_OPEN_MS,
    LONGEST_OPEN_MS,
    PROBES_TO_CLOSE,
    WINDOW,
    Breaker,
    State,
)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(CONSECUTIVE):
        breaker.failed(now)
    return breaker


def test_consecutive_failures_open_it_and_are_reported_once() -> None:
    breaker = Breaker()
    reported = [breaker.failed(0.0) for _ in range(CONSECUTIVE + 2)]

    assert reported == [False] * (CONSECUTIVE - 1) + [True, False, False]
    assert breaker.why_not(0.0) == "its circuit is open"


def test_a_success_between_them_starts_the_count_again() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(CONSECUTIVE - 1):
            breaker.failed(0.0)
        breaker.succeeded(0.0)
        if len(breaker.recent) == WINDOW:
            break

    assert breaker.in_a_row == 0


def test_half_of_many_calls_failing_opens_it_without_a_row() -> None:
    breaker = Breaker()
    for _ in range(WINDOW // 2):
        breaker.succeeded(0.0)
        breaker.failed(0.0)

    assert breaker.state(0.0) is State.OPEN


def test_after_a_delay_one_probe_at_a_time_is_permitted() -> None:
    breaker = opened()
    later = 2 * FIRST_OPEN_MS

    assert breaker.state(later) is State.HALF_OPEN
    assert breaker.why_not(later) is None
    breaker.begin(later)
    assert breaker.why_not(later) == "its circuit is half open, and a probe is in progress"


def test_probes_that_succeed_close_it() -> None:
    breaker = opened()
    later = 2 * FIRST_OPEN_MS
    reported = []
    for _ in range(PROBES_TO_CLOSE):
        breaker.begin(later)
        reported.append(breaker.succeeded(later))

    assert reported == [False] * (PROBES_TO_CLOSE - 1) + [True]
    assert breaker.state(later) is State.CLOSED


def test_a_probe_that_fails_opens_it_for_longer_a_minute_at_most() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(8):
        waits.append(breaker.open_until - now)
        now = breaker.open_until
        breaker.begin(now)
        breaker.failed(now)

    assert waits == sorted(waits)
    assert waits[0] == FIRST_OPEN_MS
    assert waits[-1] == LONGEST_OPEN_MS


def test_an_inconclusive_probe_frees_the_slot_for_the_next() -> None:
    breaker = opened()
    later = 2 * FIRST_OPEN_MS
    breaker.begin(later)
    breaker.forgotten()

    assert breaker.why_not(later) is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 90_000)), max_size=80))
def test_a_probe_is_due_within_a_minute_whatever_happened(ends: list[tuple[bool, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for good, passed in ends:
        now += passed
        if breaker.why_not(now) is not None:
            continue
        breaker.begin(now)
        if good:
            breaker.succeeded(now)
        else:
            breaker.failed(now)

    assert breaker.why_not(now + LONGEST_OPEN_MS) is None
