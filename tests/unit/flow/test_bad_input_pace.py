"""A partition that floods a worker with garbage is read no faster than it costs little."""

from __future__ import annotations

from streams.flow.bad_input_pace import LONGEST_PAUSE_S, BadInputPace

A, B = ("in", 0), ("in", 1)


class World:
    """A clock, and the pauses that were asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[tuple[tuple[str, int], float]] = []
        self.pace = BadInputPace(
            lambda: self.now,
            lambda place, s: self.pauses.append((place, s)),
            most_per_s=10,
            burst=20,
        )

    def bad(self, place: tuple[str, int], count: int, per_s: float) -> None:
        for _ in range(count):
            self.now += 1 / per_s
            self.pace.bad(place)


def test_what_comes_within_the_rate_is_never_paused() -> None:
    world = World()
    world.bad(A, 500, per_s=9)
    assert world.pauses == []


def test_a_burst_is_taken_and_what_comes_faster_is_paused() -> None:
    world = World()
    world.bad(A, 20, per_s=1e9)
    assert world.pauses == []
    world.bad(A, 1, per_s=1e9)
    ((place, seconds),) = world.pauses
    assert place == A
    assert 1.0 < seconds <= LONGEST_PAUSE_S


def test_one_pause_is_asked_for_at_a_time_and_what_was_fetched_lengthens_the_next() -> None:
    world = World()
    world.bad(A, 60, per_s=1e9)
    assert len(world.pauses) == 1
    world.now += world.pauses[0][1]
    world.bad(A, 1, per_s=1e9)
    assert [seconds for _, seconds in world.pauses][1] > world.pauses[0][1]


def test_partitions_are_paused_apart() -> None:
    world = World()
    world.bad(A, 100, per_s=1e9)
    world.bad(B, 5, per_s=1e9)
    assert {place for place, _ in world.pauses} == {A}


def test_in_the_long_run_the_rate_is_kept() -> None:
    world = World()
    taken, begun = 0, world.now
    paused_until = 0.0
    while world.now < begun + 600:
        world.now += 0.01
        if world.now < paused_until:
            continue
        before = len(world.pauses)
        world.pace.bad(A)
        taken += 1
        if len(world.pauses) > before:
            paused_until = world.now + world.pauses[-1][1]
    assert taken <= 600 * 10 * 1.05 + 20
