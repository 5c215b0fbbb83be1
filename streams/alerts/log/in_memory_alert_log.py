"""In-memory twin of the alert service's log, for tests.

It reads a `MemoryLog` as a broker's topics; elections are made by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from core.clock import Clock
from schemas.alert_evaluation import AlertEvaluation
from schemas.topics import ALERTS
from streams.alerts.log.alert_log import AlertRecord, Read
from streams.alerts.log.event_reader import EventRecord
from streams.journal.in_memory_log import MemoryLog


class FakeGroupState:
    """A group's state on the broker: the delivered offset, and lags."""

    def __init__(self) -> None:
        self.delivered: int | None = None
        self.evaluation: AlertEvaluation | None = None
        self.lags: dict[tuple[str, str], int] = {}


class MemoryAlertLog:
    """See `AlertLog`. Partition 0 of each of `topics`; `behind` makes the frontier unknown."""

    def __init__(
        self,
        log: MemoryLog,
        clock: Clock,
        topics: Collection[str],
        group_state: FakeGroupState | None = None,
    ) -> None:
        self._topics = frozenset(topics)
        self._log = log
        self._clock = clock
        self.group_state = group_state or FakeGroupState()
        self.behind = False
        self._won = asyncio.Event()
        self._alerts = 0
        self._events: dict[str, int] = {}

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Resign."""
        self.lose()

    def win(self) -> None:
        """Make this process the leader."""
        self._alerts = 0
        self._won.set()

    def lose(self) -> None:
        """Make another process the leader."""
        self._won.clear()

    async def elected(self) -> None:
        """See `AlertLog`."""
        await self._won.wait()

    @property
    def mine(self) -> bool:
        """See `AlertLog`."""
        return self._won.is_set()

    async def alerts(self) -> Sequence[AlertRecord]:
        """See `AlertLog`."""
        news = self._log.of(ALERTS)[self._alerts :]
        self._alerts += len(news)
        return [
            AlertRecord(offset=each.at.offset, at=each.at.timestamp, value=each.record.value or b"")
            for each in news
        ]

    async def delivered_offset(self) -> int | None:
        """See `AlertLog`."""
        return self.group_state.delivered

    async def commit_delivered(self, offset: int) -> None:
        """See `AlertLog`."""
        self.group_state.delivered = offset

    async def evaluated(self, evaluation: AlertEvaluation) -> None:
        """See `AlertLog`."""
        self.group_state.evaluation = evaluation

    async def topics(self) -> frozenset[str]:
        """See `AlertLog`."""
        return self._topics

    async def follow(self, topics: Collection[str], since: int) -> None:
        """See `AlertLog`."""
        self._events = {
            topic: sum(1 for each in self._log.of(topic) if each.at.timestamp < since)
            for topic in topics
        }

    async def read(self) -> Read:
        """See `AlertLog`; other tasks run in between, as on a broker."""
        await asyncio.sleep(0)
        records = []
        for topic, position in self._events.items():
            news = self._log.of(topic)[position:]
            self._events[topic] += len(news)
            records += [
                EventRecord(
                    topic=topic,
                    partition=each.at.partition,
                    offset=each.at.offset,
                    at=each.at.timestamp,
                    key=each.record.key or b"",
                    headers=each.record.headers,
                    value=each.record.value or b"",
                )
                for each in news
            ]
        return Read(records=records, frontier=None if self.behind else self._clock.now())

    async def lag(self, groups: Collection[str]) -> Mapping[tuple[str, str], int]:
        """See `AlertLog`."""
        return {place: lag for place, lag in self.group_state.lags.items() if place[0] in groups}
