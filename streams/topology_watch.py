"""Watches the topics that a worker reads: one that was made anew is taken up, and readiness knows
which request partitions there are.

Kafka tells consumers nothing of a topic that was deleted and made again with as many partitions as
before: they go on at the old offset, and everything below it would be lost. So the ids of topics
are compared with those at the assignment. Partitions that are added are found by aiokafka, which
looks at the metadata as often as `METADATA_MAX_AGE_MS` says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aiokafka.errors import KafkaError

from streams.flow.request_topics import RequestTopic
from streams.topic_ids import TopicShape

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Group(Protocol):
    """The consumer of the workers' group. Every method may raise `KafkaError`."""

    async def shapes(self, topics: Collection[str]) -> Mapping[str, TopicShape] | None:
        """The topics that exist; `None` where the broker tells no ids."""
        ...

    async def rejoin(self) -> None:
        """Have partitions assigned again."""
        ...

    async def members(self) -> int:
        """How many members the group has."""
        ...


class TopologyWatch:
    """Looks at the topics of one worker. `topic_id` and `topic_partitions` tell of a topic when its
    partitions were assigned, `owned` gives those that are ours.
    """

    def __init__(
        self,
        group: Callable[[], Group],
        *,
        topics: Collection[str],
        request_topics: Collection[str],
        topic_id: Callable[[str], str],
        topic_partitions: Callable[[str], int],
        owned: Callable[[str], Collection[int]],
    ) -> None:
        self._group = group
        self._topics = tuple(topics)
        self._request_topics = tuple(request_topics)
        self._topic_id = topic_id
        self._topic_partitions = topic_partitions
        self._owned = owned
        self.fault: str | None = None
        """Why requests are not taken as they should be, as far as the last look tells."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (KafkaError, OSError, TimeoutError, RuntimeError) as error:
                log.debug("the topics are not known now: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once."""
        group = self._group()
        shapes = await group.shapes(self._topics)
        if shapes is None:
            return
        anew = [topic for topic in self._topics if self._is_anew(topic, shapes.get(topic))]
        if anew:
            log.warning("made anew, to be assigned again: %s", ", ".join(anew))
            await group.rejoin()
        self.fault = await self._request_fault(group, shapes)

    def _is_anew(self, topic: str, shape: TopicShape | None) -> bool:
        assigned = self._topic_id(topic)
        return shape is not None and assigned not in {"", shape.id}

    async def _request_fault(self, group: Group, shapes: Mapping[str, TopicShape]) -> str | None:
        for name in self._request_topics:
            shape, owned = shapes.get(name), self._owned(name)
            topic = RequestTopic(
                name=name,
                exists=shape is not None,
                partitions=shape.partitions if shape else 0,
                assigned=self._topic_partitions(name),
                owned=owned,
                is_anew=self._is_anew(name, shape),
                members=None if owned else await group.members(),
            )
            if topic.fault is not None:
                return topic.fault
        return None
