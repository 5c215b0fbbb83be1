"""Offset commits of the sink. They serve monitoring and confirm the ownership of a partition;
ClickHouse's stored offsets determine where to continue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from sinks.ingest.partition_writer import delays
from sinks.rows.log_position import Place

log = logging.getLogger(__name__)


class Commits:
    """Offset commits under the present assignment."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._committed: dict[Place, int] = {}

    def forget(self) -> None:
        """Clear the state after the end of an assignment."""
        self._committed.clear()

    async def commit(self, stored: Mapping[Place, int]) -> None:
        """Commit the stored offset of each partition; the next commit makes up for a failure."""
        changed = {
            place: offset
            for place, offset in stored.items()
            if self._committed.get(place) != offset
        }
        if not changed:
            return
        try:
            await self._consumer.commit(
                {TopicPartition(*place): offset for place, offset in changed.items()}
            )
        except (KafkaError, IllegalStateError) as error:
            log.info("offset commit failed (it serves monitoring only): %s", error)
        else:
            self._committed.update(changed)

    async def until_confirmed(self, place: Place, offset: int) -> None:
        """Wait until the group confirms ownership of the partition; otherwise the revocation
        cancels the task.
        """
        for delay in delays():
            try:
                await self._consumer.commit({TopicPartition(*place): offset})
            except KafkaError as error:
                log.info("%s:%d is no longer assigned: %s", *place, error)
                await asyncio.sleep(delay)
            else:
                return
