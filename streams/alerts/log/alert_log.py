"""What the alert service asks of the log: the port.

Who evaluates is decided by Kafka: the process that a consumer group gives the one partition of
`llm.alerts.v1` to. A process that dies, or is paused for longer than the group's session, loses it,
and another begins. The service reads what it needs from the log alone, so it works while ClickHouse
is down, and whoever takes over reads the same.
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
    """Events that came, and the instant (broker time, ms) up to which every event was read.

    The instant is `None` as long as nobody knows.
    """

    records: Sequence[EventRecord]
    frontier: int | None


class AlertLog(Protocol):
    """The topics of alerts and events. Every method may raise `KafkaError`; ask again then."""

    async def start(self) -> None:
        """Connect, and stand for election."""
        ...

    async def stop(self) -> None:
        """Step back, and disconnect."""
        ...

    async def elected(self) -> None:
        """Wait until this process is the one that evaluates."""
        ...

    @property
    def mine(self) -> bool:
        """Whether it still is, as far as it knows."""
        ...

    async def alerts(self) -> Sequence[AlertRecord]:
        """Alerts up to the end as it is now: after an election all, later those that came since."""
        ...

    async def told_to(self) -> int | None:
        """The offset up to which everybody was told of alerts; `None` before the first."""
        ...

    async def tell(self, offset: int) -> None:
        """Everybody was told of the alerts before this offset."""
        ...

    async def evaluated(self, evaluation: AlertEvaluation) -> None:
        """Rules were evaluated: let everybody see by whom and when."""
        ...

    async def topics(self) -> frozenset[str]:
        """Every topic that there is."""
        ...

    async def follow(self, topics: Collection[str], since: int) -> None:
        """Read events of these topics, from a broker time (ms) on, and no others."""
        ...

    async def read(self) -> Read:
        """What came since the last call, a bounded part of it; waits a little where nothing did."""
        ...

    async def lag(self, groups: Collection[str]) -> Mapping[tuple[str, str], int]:
        """Records that each group is behind, by group and topic; groups without commits are not
        there.
        """
        ...
