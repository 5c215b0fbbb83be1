"""Of two processes with one name the one that started later continues, and the other ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from schemas.alert_names import AlertName
from schemas.worker_status import WorkerStatus
from streams.flow.worker_status_feed import MemoryStatusFeed, statuses_of
from streams.membership.name_guard import NameGuard, NameTakenOverError, is_later

MINE = WorkerStatus(worker="w1", incarnation="m", started_at=1_000)
LATER = replace(MINE, incarnation="a", started_at=1_001)


@pytest.mark.parametrize(
    ("status", "later"),
    [
        (LATER, True),
        (MINE, False),
        (replace(MINE, started_at=5_000), False),
        (replace(LATER, started_at=999), False),
        (replace(LATER, worker="w2"), False),
        (replace(LATER, started_at=1_000, incarnation="z"), True),
        (replace(LATER, started_at=1_000, incarnation="a"), False),
        (replace(LATER, started_at=0), False),
    ],
)
def test_only_a_namesake_that_started_later_takes_the_name(
    status: WorkerStatus, later: bool
) -> None:
    assert is_later(status, MINE) is later


def test_of_two_processes_exactly_one_keeps_the_name() -> None:
    for other in (LATER, replace(LATER, started_at=1_000), replace(LATER, started_at=1)):
        assert is_later(other, MINE) is not is_later(MINE, other)


class _Alerts:
    def __init__(self) -> None:
        self.fired: list[tuple[AlertName, str]] = []

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        self.fired.append((rule, subject))


def test_a_worker_loses_its_name_once_and_raises_an_alert() -> None:
    feed, alerts, lost = MemoryStatusFeed(), _Alerts(), []

    async def run() -> None:
        guard = NameGuard(feed, MINE, alerts, lost.append)
        for value in (b"\xff", None, MINE.encode(), replace(LATER, worker="w2").encode()):
            feed.say(value, 2_000)
        feed.say(LATER.encode(), 2_000)
        feed.say(LATER.encode(), 2_000)
        await guard.run()

    asyncio.run(run())
    (error,) = lost
    assert isinstance(error, NameTakenOverError)
    assert "SLUICE_WORKER_INSTANCE" in str(error)
    assert alerts.fired == [(AlertName.WORKER_NAME_TAKEN, "w1")]


@pytest.mark.parametrize(
    "value",
    [
        b'{"worker": "w1", "incarnation": "a", "started_at": "9999"}',
        b'{"worker": "w1", "incarnation": "a", "started_at": true}',
        b'{"worker": "w1", "incarnation": 7, "started_at": 9999}',
        b'{"worker": ["w1"], "incarnation": "a", "started_at": 9999}',
        b'{"worker": "w1", "started_at": 9999}',
        b"[]",
        b"\xff",
    ],
)
def test_a_record_that_is_no_status_takes_no_name(value: bytes) -> None:
    assert statuses_of([(value, 10_000)]) == []


def test_a_status_with_a_start_after_its_record_is_ignored() -> None:
    far = replace(LATER, started_at=10_000_000)
    assert statuses_of([(far.encode(), 10_000)]) == []
    assert statuses_of([(LATER.encode(), 1_500)]) == [LATER]
