"""Records that were sent and are not acknowledged yet.

Awaiting one costs no task, and not awaiting it leaves no coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)

from core.clock import BrokerClock
from schemas.errors import DeliveryError

_VANISHED = (NotLeaderForPartitionError, UnknownTopicOrPartitionError)

_LOG_APPEND_TIME = 1
"""Timestamp type LogAppendTime; a caller's topic may have CreateTime (0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Position of a produced record; `timestamp` is broker time, ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Pending:
    """A pending record; its acknowledgement also sets the broker's clock."""

    __slots__ = ("_clock", "_future", "_sent", "_topic")

    def __init__(self, future: Awaitable[Any], topic: str, sent: float, clock: BrokerClock) -> None:
        self._future = future
        self._topic = topic
        self._sent = sent
        self._clock = clock

    def __await__(self) -> Generator[Any, None, Delivered]:
        return self._wait().__await__()

    async def _wait(self) -> Delivered:
        try:
            metadata = await self._future
        except KafkaError as error:
            raise DeliveryError(
                f"{self._topic} did not take a record: {produce_problem(error)}"
            ) from error
        if metadata.timestamp_type == _LOG_APPEND_TIME:
            self._clock.observe(metadata.timestamp, self._sent, self._clock.elapsed_ms())
        return Delivered(
            topic=self._topic,
            partition=metadata.partition,
            offset=metadata.offset,
            timestamp=metadata.timestamp,
        )


class PendingAgain:
    """A pending record that is sent `again`, at most `most` times, while its error `may_pass`.
    `first` is `None` if it could not be sent.
    """

    __slots__ = ("_again", "_first", "_left", "_may_pass")

    def __init__(
        self,
        first: Awaitable[Delivered] | None,
        again: Callable[[], Awaitable[Awaitable[Delivered]]],
        may_pass: Callable[[DeliveryError], bool],
        *,
        most: int = 1,
    ) -> None:
        self._first = first
        self._again = again
        self._may_pass = may_pass
        self._left = most

    def __await__(self) -> Generator[Any, None, Delivered]:
        return self._wait().__await__()

    async def _wait(self) -> Delivered:
        while True:
            if self._first is not None:
                try:
                    return await self._first
                except DeliveryError as error:
                    if not self._left or not self._may_pass(error):
                        raise
            self._left -= 1
            self._first = await self._again()


def may_pass(error: DeliveryError) -> bool:
    """Return whether the error may come from the broker rather than the topic."""
    cause = error.__cause__
    return isinstance(cause, KafkaTimeoutError) or bool(getattr(cause, "retriable", False))


def is_missing(error: DeliveryError) -> bool:
    """Return whether the partition had vanished."""
    return isinstance(error.__cause__, _VANISHED)


def produce_problem(error: KafkaError) -> str:
    """Return why a producer's record failed."""
    if isinstance(error, _VANISHED):
        return "the topic, or its partition, does not exist; run: sluice topics create"
    return str(error) or type(error).__name__
