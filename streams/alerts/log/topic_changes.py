"""Detects that a topic of the alert service was deleted, recreated or has other partitions.

Consumers go on at their old positions after that: rules rest, and alerts are not delivered.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from schemas.errors import TopicError
from streams.membership.topic_ids import TopicShape, topic_shapes


class TopicChanges:
    """The topics as they were when each was first seen."""

    def __init__(self) -> None:
        self._seen: dict[str, TopicShape] = {}

    def forget(self) -> None:
        """Compare with what is seen from now on."""
        self._seen.clear()

    async def check(self, client: Any, topics: Collection[str]) -> None:
        """Compare topics with what was seen of them, over an aiokafka client.

        Raises:
            TopicError: one is not as it was; read it anew.
            KafkaError: no broker responded.
        """
        shapes = await topic_shapes(client, topics)
        if shapes is None:
            return
        for name in sorted(topics):
            shape, seen = shapes.get(name), self._seen.get(name)
            if shape is None:
                raise TopicError(f"{name} does not exist; create it: sluice topics create")
            if seen is not None and shape != seen:
                raise TopicError(f"{name} was recreated, or its partitions have changed")
            self._seen[name] = shape
