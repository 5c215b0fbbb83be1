"""Pauses over assignments, as librdkafka keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from core.kafka.assigned_partitions import AssignedPartitions

PLACE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)


class ScriptedConsumer:
    """A librdkafka consumer that keeps pauses of partitions, assigned or not."""

    def __init__(self) -> None:
        self.paused: set[tuple[str, int]] = set()

    def assign(self, positions: Sequence[Any]) -> None:
        """Keep nothing: only pauses matter here."""

    def pause(self, positions: Sequence[Any]) -> None:
        self.paused |= {(each.topic, each.partition) for each in positions}

    def resume(self, positions: Sequence[Any]) -> None:
        self.paused -= {(each.topic, each.partition) for each in positions}


def test_a_partition_that_was_paused_before_it_was_revoked_is_read_when_it_returns() -> None:
    consumer: Any = ScriptedConsumer()
    partitions = AssignedPartitions(needs_headers=True)
    partitions.assign(consumer, 1, {PLACE: 0, OTHER: 0})
    partitions.pause(consumer, [PLACE])

    partitions.assign(consumer, 2, {})
    partitions.assign(consumer, 3, {OTHER: 5})
    partitions.assign(consumer, 4, {PLACE: 5, OTHER: 5})

    assert consumer.paused == set()
