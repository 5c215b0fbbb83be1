"""Bounded memory: a partition with too many buffered bytes is paused until some are stored."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from sinks.ingest.partition_writer import PartitionWriter
from sinks.rows.log_position import Place


class BackpressureController:
    """Pauses and resumes the partitions of these writers by the bytes held by each, and by all."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        writers: Mapping[Place, PartitionWriter],
        *,
        most_each: int,
        most: int,
    ) -> None:
        self._consumer = consumer
        self._writers = writers
        self._most_each = most_each
        self._most = most
        self._waiting: set[Place] = set()

    @property
    def held_bytes(self) -> int:
        """Return the bytes of rows that are read and not stored yet."""
        return sum(writer.held_bytes for writer in self._writers.values())

    def taken(self, place: Place) -> None:
        """Rows were added to a partition's writer: pause the partition above its limit."""
        if self._writers[place].held_bytes >= self._most_each or self._is_used_up:
            self._waiting.add(place)
            self._consumer.pause(TopicPartition(*place))

    def freed(self) -> None:
        """Rows were stored: resume waiting partitions."""
        if not self._waiting or self._is_used_up:
            return
        for place in list(self._waiting):
            writer = self._writers.get(place)
            if writer is None or writer.held_bytes < self._most_each:
                self._waiting.discard(place)
                if writer is not None:
                    self._consumer.resume(TopicPartition(*place))

    def forget(self, place: Place) -> None:
        """Remove a partition that is read again or revoked."""
        self._waiting.discard(place)

    def forget_all(self) -> None:
        """Remove all partitions after the end of an assignment."""
        self._waiting.clear()

    @property
    def _is_used_up(self) -> bool:
        return self.held_bytes >= self._most
