"""What the group is told of the sink's progress. It serves monitoring, and shows by its answer
whose a partition is; where to go on is what ClickHouse has stored.
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
    """Offsets committed under the present assignment."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._told: dict[Place, int] = {}

    def forget(self) -> None:
        """The assignment is over."""
        self._told.clear()

    async def tell(self, stored: Mapping[Place, int]) -> None:
        """Commit up to where each partition is stored; a failure is made good by the next one."""
        changed = {
            place: offset for place, offset in stored.items() if self._told.get(place) != offset
        }
        if not changed:
            return
        try:
            await self._consumer.commit(
                {TopicPartition(*place): offset for place, offset in changed.items()}
            )
        except (KafkaError, IllegalStateError) as error:
            log.info("offsets were not committed (they serve monitoring only): %s", error)
        else:
            self._told.update(changed)

    async def until_confirmed(self, place: Place, offset: int) -> None:
        """Wait until the group says that the partition is ours; else the revocation ends us."""
        for delay in delays():
            try:
                await self._consumer.commit({TopicPartition(*place): offset})
            except KafkaError as error:
                log.info("%s:%d is not ours any more: %s", *place, error)
                await asyncio.sleep(delay)
            else:
                return
