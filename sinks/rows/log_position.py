"""A record on the log and its position, for the sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """A topic partition; equal to aiokafka's `TopicPartition` with the same parts."""

    topic: str
    partition: int


class LogRecord(Protocol):
    """A Kafka record; `timestamp` is the broker's append time, ms since 1970 UTC."""

    @property
    def offset(self) -> int:
        """Return its offset."""
        ...

    @property
    def timestamp(self) -> int:
        """Return the broker's append time, ms."""
        ...

    @property
    def key(self) -> bytes | None:
        """Return its key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Return its value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return its headers."""
        ...
