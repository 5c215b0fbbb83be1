"""A partition that floods a worker with garbage is read no faster than it costs little."""

from __future__ import annotations

import pytest

from streams.bad_input.bad_input_pace import LONGEST_PAUSE_S, BadInputPace

A, B = ("in", 0), ("in", 1)
HIGH, LOW, BURST, RUN = 10.0, 1.0, 20.0, 15


class World:
    """A clock, and the requested pauses; a pause is kept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[tuple[tuple[str, int], float]] = []
        self.pace = BadInputPace(
            lambda: self.now,
            lambda place, s: self.pauses.append((place, s)),
            among_good_per_s=HIGH,
            nothing_good_per_s=LOW,
            nothing_good_for=RUN,
            burst=BURST,
        )

    def bad(self, place: tuple[str, int], count: int, per_s: float = 1e9) -> None:
        for _ in range(count):
            self.now += 1 / per_s
            self.pace.bad(place)

    def taken_in(self, seconds: float, *, good_in: int) -> int:
        """Bad messages of A that a reader reads from an unlimited backlog."""
        taken, until = 0, self.now + seconds
        while self.now < until:
            self.now += 0.01
            before = len(self.pauses)
            self.pace.bad(A)
            taken += 1
            if good_in and taken % good_in == 0:
                self.pace.good(A)
            if len(self.pauses) > before:
                self.now += self.pauses[-1][1]
        return taken


def test_a_partition_within_the_rate_is_never_paused() -> None:
    world = World()
    world.bad(A, 500, per_s=0.9)
    assert world.pauses == []


def test_a_burst_is_accepted_and_a_higher_rate_is_paused() -> None:
    world = World()
    world.bad(A, int(BURST))
    assert world.pauses == []
    world.bad(A, 1)
    ((place, seconds),) = world.pauses
    assert place == A
    assert 0 < seconds <= LONGEST_PAUSE_S


def test_pauses_do_not_overlap_and_fetched_records_lengthen_the_next() -> None:
    world = World()
    world.bad(A, 22)
    assert len(world.pauses) == 1
    world.now += world.pauses[0][1]
    world.bad(A, 1)
    assert len(world.pauses) == 2


def test_partitions_are_paused_apart() -> None:
    world = World()
    world.bad(A, 100)
    world.bad(B, 5)
    assert {place for place, _ in world.pauses} == {A}


@pytest.mark.parametrize(("good_in", "rate"), [(10, HIGH), (0, LOW)])
def test_good_messages_among_the_bad_keep_the_higher_rate(good_in: int, rate: float) -> None:
    seconds = 600
    taken = World().taken_in(seconds, good_in=good_in)

    assert seconds * rate * 0.5 < taken <= seconds * rate * 1.1 + BURST


def test_a_good_message_ends_the_lower_rate() -> None:
    world = World()
    low = world.taken_in(100, good_in=0)
    assert world.taken_in(100, good_in=10) > 4 * low
