"""A standalone consumer: it reads partitions from given offsets, without a group.

Only committed records are read. A position passes what holds no record: transaction markers,
aborted and compacted records. A position that the log does not have any more, or not yet (a topic
that was deleted and recreated), moves to the first offset of the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aiokafka import TopicPartition

from core.kafka.fetch_source import FetchedRecord


class StandaloneConsumer(Protocol):
    """See the module. A query of a consumer that reads an idle partition waits for its fetch, up to
    that fetch's longest wait. A query, and a read, raises one of these:

    TopicError: a topic or partition does not exist.
    KafkaAccessError: Kafka rejects the connection, or reading of a topic.
    KafkaAwayError: Kafka did not answer a query in time. Reading waits for it instead.
    """

    async def partitions(self, topic: str) -> int:
        """Return the number of partitions of a topic."""
        ...

    async def counts(self, topics: Collection[str]) -> Mapping[str, int]:
        """Return the number of partitions by topic, 0 for one that does not exist."""
        ...

    async def begins(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the first offsets."""
        ...

    async def ends(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the end offsets: before the first record of an open transaction."""
        ...

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Return the first offset at or after a broker time (ms), else the end."""
        ...

    async def committed(
        self, places: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int | None]:
        """Return the offsets that the consumer's group has committed."""
        ...

    def assign(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets, and no others."""
        ...

    async def read(
        self, *, timeout_s: float | None = None, most: int | None = None
    ) -> Sequence[FetchedRecord]:
        """Return the next records, those of a partition in order, at most this number. Empty after
        this time without any, or when only positions moved.
        """
        ...

    def position(self, place: TopicPartition) -> int:
        """Return the offset after the records of an assigned partition that were read."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
