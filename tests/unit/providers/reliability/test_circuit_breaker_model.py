"""A breaker under overlapping calls: it opens only for a cause, and never permanently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.providers.reliability.circuit_breaker import (
    CONSECUTIVE,
    LONGEST_OPEN_MS,
    WINDOW,
    Breaker,
    State,
)

ENDS = ("good", "bad", "says nothing")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.integers(0, 70_000)),
        st.tuples(st.just("call"), st.just(0)),
        st.tuples(st.just("outage"), st.just(0)),
        st.tuples(st.sampled_from(ENDS), st.integers(0, 30)),
    ),
    min_size=10,
    max_size=120,
)


class Caller:
    """Calls whenever the breaker permits it, and ends calls in any order."""

    def __init__(self) -> None:
        self.breaker, self.now = Breaker(), 0.0
        self.running = 0
        self.bad = self.bad_in_a_row = 0

    def step(self, what: str, number: int) -> None:
        if what == "passes":
            self.now += number
        elif what == "call":
            if self.breaker.why_not(self.now) is None:
                self.breaker.begin(self.now)
                self.running += 1
        elif what == "outage":
            for _ in range(CONSECUTIVE):
                self.step("call", 0)
                self.step("bad", 0)
        elif self.running:
            self.running -= 1
            self._end(what)

    def _end(self, what: str) -> None:
        breaker = self.breaker
        if what == "good":
            self.bad_in_a_row = 0
            breaker.succeeded(self.now)
        elif what == "bad":
            self.bad += 1
            self.bad_in_a_row += 1
            if breaker.failed(self.now):
                assert self.bad_in_a_row >= CONSECUTIVE or self.bad >= WINDOW / 2
        else:
            breaker.forgotten()


@given(steps)
def test_after_all_calls_ended_the_next_is_permitted_within_a_minute(
    steps: list[tuple[str, int]],
) -> None:
    caller = Caller()
    for what, number in steps:
        caller.step(what, number)
        assert caller.breaker.open_until <= caller.now + LONGEST_OPEN_MS
    while caller.running:
        caller.step("bad", 0)

    assert caller.breaker.why_not(caller.now + LONGEST_OPEN_MS) is None


@given(steps)
def test_a_recovered_provider_is_used_again_whatever_happened(
    steps: list[tuple[str, int]],
) -> None:
    caller = Caller()
    for what, number in steps:
        caller.step(what, number)
    while caller.running:
        caller.step("bad", 0)
    for _ in range(3):
        caller.now += LONGEST_OPEN_MS
        caller.step("call", 0)
        caller.step("good", 0)

    assert caller.breaker.state(caller.now) is State.CLOSED


@given(st.lists(st.sampled_from(["passes", "call", "good", "says nothing"]), max_size=120))
def test_an_instance_that_never_fails_is_never_excluded(steps: list[str]) -> None:
    caller = Caller()
    for what in steps:
        caller.step(what, 1_000)
        assert caller.breaker.why_not(caller.now) is None
