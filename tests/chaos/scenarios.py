"""The matrix: which part is struck how and when. Times are seconds after the load began."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Blow(StrEnum):
    """What is done to a part."""

    KILL = "kill"
    """SIGKILL, and started again at once, as a supervisor does."""
    PAUSE = "pause"
    """SIGSTOP."""
    WAKE = "wake"
    """SIGCONT."""
    DOWN = "down"
    """SIGKILL, and not started again."""
    UP = "up"
    """Started, or started again."""
    LEAVE = "leave"
    """SIGTERM, and not started again."""
    NAMESAKE = "namesake"
    """A worker is started as on another machine under the name `worker-1`; the other workers are
    not started again."""
    FULL = "full"
    """Its disk is filled to the last byte."""
    ROOM = "room"
    """Its disk has room again."""
    FAIL = "fail"
    """The simulator answers a share of its calls with 500."""
    STUTTER = "stutter"
    """Stopped for three of every four fifths of a second, for some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One blow to one part. `share` (0..1) is of failing calls, `seconds` how long it stutters."""

    at_s: float
    blow: Blow
    part: str
    share: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A load and the faults under it. `rate` is requests/s; `workers` and `sinks` are counts;
    `small_disks` are processes whose data is on a separate file system, MB.
    """

    name: str
    about: str
    strikes: tuple[Strike, ...]
    seconds: float
    rate: float = 200.0
    workers: int = 1
    sinks: int = 1
    small_disks: tuple[tuple[str, int], ...] = ()


PARTS = ("worker", "sink", "kafka", "clickhouse", "simulator")
MATRIX_RATE = 100.0
_PAUSED_S = 40.0


def kills(*moments: tuple[float, str]) -> tuple[Strike, ...]:
    """SIGKILLs of parts at moments."""
    return tuple(Strike(at_s=at, blow=Blow.KILL, part=part) for at, part in moments)


def _named(part: str) -> str:
    return f"{part}-1" if part in {"worker", "sink"} else part


def _killed(part: str) -> Scenario:
    return Scenario(
        name=f"{part} killed",
        about=f"kill -9 of the {part} three times, started again at once",
        seconds=40.0,
        rate=MATRIX_RATE,
        strikes=kills(*((at, _named(part)) for at in (6, 16, 27))),
    )


def _paused(part: str) -> Scenario:
    """Workers and sinks have a second instance, which takes over."""
    return Scenario(
        name=f"{part} paused",
        about=f"the {part} stopped for {_PAUSED_S:g} s, then woken",
        seconds=_PAUSED_S + 20,
        rate=MATRIX_RATE,
        workers=2 if part == "worker" else 1,
        sinks=2 if part == "sink" else 1,
        strikes=(
            Strike(at_s=8, blow=Blow.PAUSE, part=_named(part)),
            Strike(at_s=8 + _PAUSED_S, blow=Blow.WAKE, part=_named(part)),
        ),
    )


def _full(part: str, megabytes: int) -> Scenario:
    return Scenario(
        name=f"{part} disk full",
        about=f"no byte left on the disk of {part} for 15 s",
        seconds=45.0,
        rate=MATRIX_RATE,
        small_disks=((part, megabytes),),
        strikes=(
            Strike(at_s=10, blow=Blow.FULL, part=part),
            Strike(at_s=25, blow=Blow.ROOM, part=part),
        ),
    )


def _failing(percent: int) -> Scenario:
    return Scenario(
        name=f"provider fails {percent}%",
        about=f"{percent} % of all calls end with 500 for 25 s",
        seconds=45.0,
        rate=MATRIX_RATE,
        strikes=(
            Strike(at_s=8, blow=Blow.FAIL, part="simulator", share=percent / 100),
            Strike(at_s=33, blow=Blow.FAIL, part="simulator"),
        ),
    )


def _rebalances() -> tuple[Strike, ...]:
    """Workers 2 and 3 come and go every four seconds, in turn, half of them by SIGKILL."""
    strikes = []
    for turn in range(6):
        at, part = 6.0 + 8 * turn, f"worker-{2 + turn % 2}"
        ends = Blow.LEAVE if turn % 2 else Blow.DOWN
        strikes += [
            Strike(at_s=at, blow=Blow.UP, part=part),
            Strike(at_s=at + 6, blow=ends, part=part),
        ]
    return tuple(strikes)


REBALANCES = Scenario(
    name="rebalances",
    about="workers join and leave every few seconds, half of them killed",
    seconds=60.0,
    rate=MATRIX_RATE,
    strikes=_rebalances(),
)

NAMESAKES = Scenario(
    name="same name on two hosts",
    about="a second worker of the same name is started, and takes over, four times",
    seconds=50.0,
    rate=MATRIX_RATE,
    strikes=tuple(
        Strike(at_s=8.0 + 10 * turn, blow=Blow.NAMESAKE, part=f"worker-{2 - turn % 2}")
        for turn in range(4)
    ),
)

CLICKHOUSE_DOWN = Scenario(
    name="clickhouse down",
    about="ClickHouse is away for five minutes",
    seconds=320.0,
    rate=MATRIX_RATE,
    strikes=(
        Strike(at_s=10, blow=Blow.DOWN, part="clickhouse"),
        Strike(at_s=310, blow=Blow.UP, part="clickhouse"),
    ),
)

KAFKA_SLOW = Scenario(
    name="kafka slow",
    about="the broker runs for a fifth of a second out of every four fifths, for 30 s",
    seconds=50.0,
    rate=MATRIX_RATE,
    strikes=(Strike(at_s=8, blow=Blow.STUTTER, part="kafka", seconds=30.0),),
)

KILLS = Scenario(
    name="kills",
    about="kill -9: worker and sink three times each, Kafka and ClickHouse once each",
    seconds=60.0,
    strikes=kills(
        (5, "worker-1"),
        (9, "sink-1"),
        (14, "clickhouse"),
        (20, "worker-1"),
        (25, "sink-1"),
        (30, "kafka"),
        (44, "worker-1"),
        (50, "sink-1"),
    ),
)

PAIR_KILLS = Scenario(
    name="pair kills",
    about="kill -9 as above, with two workers and two sinks",
    seconds=60.0,
    workers=2,
    sinks=2,
    strikes=kills(
        (5, "worker-1"),
        (9, "sink-1"),
        (14, "clickhouse"),
        (20, "worker-2"),
        (25, "sink-2"),
        (30, "kafka"),
        (44, "worker-1"),
        (50, "sink-1"),
    ),
)

PAUSES = Scenario(
    name="pauses",
    about="two workers, two sinks: one of each stopped for 40 s, then woken",
    seconds=75.0,
    workers=2,
    sinks=2,
    strikes=(
        Strike(at_s=10, blow=Blow.PAUSE, part="worker-1"),
        Strike(at_s=12, blow=Blow.PAUSE, part="sink-1"),
        Strike(at_s=50, blow=Blow.WAKE, part="worker-1"),
        Strike(at_s=52, blow=Blow.WAKE, part="sink-1"),
    ),
)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        KILLS,
        PAIR_KILLS,
        PAUSES,
        *(_killed(part) for part in PARTS),
        *(_paused(part) for part in PARTS),
        _full("kafka", 400),
        _full("clickhouse", 400),
        REBALANCES,
        NAMESAKES,
        CLICKHOUSE_DOWN,
        KAFKA_SLOW,
        *(_failing(percent) for percent in (10, 50, 100)),
    )
}
