"""Which parts are struck when. Times are seconds after the load began."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One blow to one part."""

    at_s: float
    blow: Blow
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A load and what happens under it. `rate` is requests/s; `workers` and `sinks` are counts."""

    name: str
    about: str
    strikes: tuple[Strike, ...]
    seconds: float
    rate: float = 200.0
    workers: int = 1
    sinks: int = 1


def kills(*moments: tuple[float, str]) -> tuple[Strike, ...]:
    """SIGKILLs of parts at moments."""
    return tuple(Strike(at_s=at, blow=Blow.KILL, part=part) for at, part in moments)


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

SCENARIOS = {scenario.name: scenario for scenario in (KILLS, PAIR_KILLS, PAUSES)}
