"""Port of the alert service to the log.

Kafka elects the leader: the member of a consumer group that owns the one partition of
`llm.alerts.v1`. A process that dies, or is paused for longer than the group's session, loses it,
and another takes over. The service reads only the log, so it works while ClickHouse is down, and
every leader reads the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.alert_evaluation import AlertEvaluation
from streams.alerts.log.event_reader import EventRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """One record of `llm.alerts.v1`; `at` is its append time, ms."""

    offset: int
    at: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """New events, and the instant (broker time, ms) up to which every event was read; `None` while
    it is unknown.
    """

    records: Sequence[EventRecord]
    frontier: int | None


class AlertLog(Protocol):
    """The topics of alerts and events. Every method may raise `KafkaError`; retry then."""

    async def start(self) -> None:
        """Connect, and join the leader election."""
        ...

    async def stop(self) -> None:
        """Resign, and disconnect."""
        ...

    async def elected(self) -> None:
        """Wait until this process is the leader."""
        ...

    @property
    def mine(self) -> bool:
        """Return whether it still is, as far as it knows."""
        ...

    async def alerts(self) -> Sequence[AlertRecord]:
        """Return alerts up to the current end: after an election all, later the new ones.

        Raises:
            TopicError: a topic was deleted, recreated or extended; start anew.
        """
        ...

    async def delivered_offset(self) -> int | None:
        """Return the offset up to which alerts are delivered; `None` before the first."""
        ...

    async def commit_delivered(self, offset: int) -> None:
        """Commit the offset before which all alerts are delivered."""
        ...

    async def evaluated(self, evaluation: AlertEvaluation) -> None:
        """Publish when and by which worker rules were evaluated."""
        ...

    async def topics(self) -> frozenset[str]:
        """Return every topic."""
        ...

    async def follow(self, topics: Collection[str], since: int) -> None:
        """Read only events of these topics, from a broker time (ms) on."""
        ...

    async def read(self) -> Read:
        """Return a bounded number of new events; waits briefly without any."""
        ...

    async def lag(self, groups: Collection[str]) -> Mapping[tuple[str, str], int]:
        """Return each group's lag in records, by group and topic; groups without commits are left
        out.
        """
        ...
