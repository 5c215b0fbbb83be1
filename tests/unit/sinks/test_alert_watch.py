"""The sink raises an alert when no worker evaluates alert rules, and only then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert_evaluation import AlertEvaluation
from schemas.events import Alert
from sinks.ingest.alert_watch import REPEAT_S, AlertWatch, WatchedLog

OVERDUE_S = 60.0


@dataclass
class Clock:
    """A clock that does not advance by itself."""

    seconds: float = 1_000.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def elapsed_s(self) -> float:
        return self.seconds


@dataclass
class World:
    """What the workers committed, and what the sink published."""

    clock: Clock = field(default_factory=Clock)
    latest: AlertEvaluation | None = None
    away: bool = False
    published: list[Alert] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = AlertWatch(self.clock, overdue_s=OVERDUE_S, instance="sink-1")

    def evaluated(self, worker: str = "w1") -> None:
        self.latest = AlertEvaluation(worker=worker, at=self.clock.now_ms())

    def check(self, after_s: float = 0.0) -> int:
        """Check some time later; how many alerts there are then."""
        self.clock.seconds += after_s

        async def latest() -> AlertEvaluation | None:
            if self.away:
                raise KafkaConnectionError
            return self.latest

        async def publish(alert: Alert) -> None:
            self.published.append(alert)

        asyncio.run(self.watch.check(WatchedLog(latest=latest, publish=publish)))
        return len(self.published)


def test_missing_evaluation_is_an_alert_that_is_repeated_while_it_lasts() -> None:
    world = World()
    assert world.check(OVERDUE_S - 1) == 0
    assert world.check(1) == 1
    assert world.check(REPEAT_S - 1) == 1
    assert world.check(1) == 2
    (first, _) = world.published
    assert (first.rule, first.subject, first.state) == ("alerts_not_evaluated", "all", "fired")


def test_an_evaluator_that_stops_is_named() -> None:
    world = World()
    world.evaluated("w3")
    world.check()
    assert world.check(OVERDUE_S) == 1
    assert "w3" in world.published[0].message
    assert world.watch.report()["evaluated_by"] == "w3"


def test_a_new_evaluation_restarts_the_timer() -> None:
    world = World()
    world.check(OVERDUE_S)
    world.evaluated()
    world.check()
    assert world.check(OVERDUE_S - 1) == 1
    assert world.check(1) == 2


def test_an_unreachable_broker_raises_no_alert_about_workers() -> None:
    world = World()
    world.away = True
    with pytest.raises(KafkaConnectionError):
        world.check(10 * OVERDUE_S)
    world.away = False
    assert world.check(OVERDUE_S - 1) == 0


@given(worker=st.text(min_size=1), at=st.integers(0, 2**62))
def test_an_evaluation_survives_its_commit(worker: str, at: int) -> None:
    evaluation = AlertEvaluation(worker=worker, at=at)
    assert AlertEvaluation.decode(evaluation.encode()) == evaluation


@pytest.mark.parametrize("metadata", ["", "x", "12", "12 ", "-1 w", "w 12"])
def test_other_metadata_is_no_evaluation(metadata: str) -> None:
    assert AlertEvaluation.decode(metadata) is None
