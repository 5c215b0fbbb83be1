"""The sink's Kafka consumer: its settings, and the offset bounds of partitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.kafka.consumer import open_consumer
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings

METADATA_MAX_AGE_MS = 10_000
"""Interval of topic discovery."""

FETCH_MAX_BYTES = 16 * 1024 * 1024
FETCH_MIN_BYTES = 1024 * 1024
FETCH_MAX_WAIT_MS = 250
"""The broker responds to a fetch at this size or after this time. Rows wait for their flush anyway,
and one fetch per record would dominate the cost of a slow, steady load.
"""


def make_consumer(settings: SinkSettings) -> AIOKafkaConsumer:
    """Return a consumer in the sinks' group, without topics yet.

    It never resets a position on its own: the tables determine where to start.
    """
    session_ms = int(settings.session_timeout_s * 1000)
    return open_consumer(
        **settings.kafka,
        group_id=settings.sink_group,
        client_id=settings.sink_instance,
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 3,
        fetch_min_bytes=FETCH_MIN_BYTES,
        fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
        fetch_max_bytes=FETCH_MAX_BYTES,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
    )


class ConsumerBounds:
    """Implementation of `takeover.LogBounds` by a consumer."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def beginnings(self, places: Collection[Place]) -> Mapping[Place, int]:
        """Return the first offset of each partition."""
        return _by_place(await self._consumer.beginning_offsets(_partitions(places)))

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        """Return the end offset of each partition."""
        return _by_place(await self._consumer.end_offsets(_partitions(places)))

    async def committed(self, place: Place) -> int | None:
        """Return the group's committed offset, if any."""
        offset: int | None = await self._consumer.committed(TopicPartition(*place))
        return offset


def _partitions(places: Collection[Place]) -> list[TopicPartition]:
    return [TopicPartition(*place) for place in places]


def _by_place(offsets: Mapping[Any, int]) -> Mapping[Place, int]:
    return {Place(*place): offset for place, offset in offsets.items()}
