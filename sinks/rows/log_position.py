"""What the sink needs to know of a record on the log, and of the place where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """A partition of a topic; equal to aiokafka's `TopicPartition` with the same parts."""

    topic: str
    partition: int


class LogRecord(Protocol):
    """A Kafka record; `timestamp` is the broker's append time, ms since 1970 UTC."""

    @property
    def offset(self) -> int:
        """Its offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Broker's append time, ms."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Its headers."""
        ...
