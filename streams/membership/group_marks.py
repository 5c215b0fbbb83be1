"""Partition marks on a broker: read with an assignment, committed with every offset.

All of it runs on the loop of the consumer's thread. One commit is in progress at a time, so a mark
that is written with the committed offset never moves that offset back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata

from streams.membership.topic_ids import TopicShape, topic_shapes
from streams.offset_metadata.delivery_attempts import (
    Commit,
    DeliveryAttempts,
    FoundPartition,
    Place,
)

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""Time limit for marks. Without them work goes on, and only attempts are not counted."""

LOOKS = 2
"""Attempts to read the marks of an assignment: a topic may be deleted meanwhile."""

AGAIN_S = 0.1

_REBALANCED = (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError)


class GroupMarks:
    """The marks of a consumer's partitions, kept by `attempts`."""

    def __init__(self, attempts: DeliveryAttempts) -> None:
        self._attempts = attempts
        self._committed: dict[Place, int] = {}
        self._committing = asyncio.Lock()

    async def take_over(self, consumer: Any, assigned: Collection[Any]) -> None:
        """Read the marks of assigned partitions, and write this worker's. A partition whose
        committed offset is of another log is read from its beginning.
        """
        places = [TopicPartition(*place) for place in assigned]
        for left in reversed(range(LOOKS)):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    commits = self._attempts.take_over(await _found(consumer, places))
                    await self._commit(consumer, commits)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning(
                    "cannot read earlier delivery attempts, counting from zero: %s",
                    type(error).__name__,
                )
                if not left:
                    self._attempts.take_over({})
            else:
                break
        else:
            return
        for place in (place for place, commit in commits.items() if commit.anew):
            log.warning("%s:%d was recreated; reading it from its beginning", *place)

    async def commit(self, consumer: Any, offsets: Mapping[Place, int]) -> None:
        """Commit offsets, each with its mark.

        Raises:
            KafkaError: the broker rejected them.
        """
        async with self._committing:
            await self._commit(
                consumer,
                {
                    place: Commit(offset=offset, metadata=self._attempts.metadata(place, offset))
                    for place, offset in offsets.items()
                },
            )

    def committed(self, place: Place) -> int | None:
        """Return the committed offset of an assigned partition, 0 included."""
        return self._committed.get(place)

    async def pass_over(self, consumer: Any, place: Place, first: int, end: int) -> None:
        """Commit `end` if `first` is committed: the records between are removed.

        Raises:
            KafkaError: the broker rejected it.
        """
        async with self._committing:
            if self._committed.get(place) == first:
                metadata = self._attempts.metadata(place, end)
                await self._commit(consumer, {place: Commit(offset=end, metadata=metadata)})

    async def write(self, consumer: Any, places: Collection[Place]) -> None:
        """Write the current marks with the committed offsets."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._committing:
                offsets = {
                    place: self._committed[place] for place in places if place in self._committed
                }
                await self._commit(
                    consumer,
                    {
                        place: Commit(offset=at, metadata=self._attempts.metadata(place, at))
                        for place, at in offsets.items()
                    },
                )
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("cannot store delivery attempts of a message: %s", type(error).__name__)

    async def give_up(self, consumer: Any) -> None:
        """Remove this worker's name from all marks."""
        self._attempts.give_up()
        await self.write(consumer, list(self._committed))
        self._committed = {}

    async def _commit(self, consumer: Any, commits: Mapping[Place, Commit]) -> None:
        """Commit offsets of existing partitions; those of a deleted topic are dropped.

        aiokafka would retry those until the topic exists again, and commit nothing else meanwhile.
        """
        left = dict(commits)
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        while left:
            try:
                await _commit_once(consumer._coordinator, assignment, left)
            except UnknownTopicOrPartitionError:
                shapes = await topic_shapes(consumer._client, {topic for topic, _ in left})
                kept = {place: each for place, each in left.items() if _exists(place, shapes)}
                if len(kept) == len(left):
                    await asyncio.sleep(AGAIN_S)
                left = kept
            except KafkaError as error:
                if not error.retriable:
                    raise
                await asyncio.sleep(AGAIN_S)
            else:
                break
        self._committed.update({place: commit.offset for place, commit in left.items()})
        for place in commits.keys() - left.keys():
            self._committed.pop(place, None)


async def _commit_once(coordinator: Any, assignment: Any, commits: Mapping[Place, Commit]) -> None:
    offsets = {
        TopicPartition(*place): OffsetAndMetadata(commit.offset, commit.metadata)
        for place, commit in commits.items()
    }
    if assignment is None or not assignment.active or not offsets.keys() <= assignment.tps:
        raise CommitFailedError("the partitions were taken away")
    await coordinator.ensure_coordinator_known()
    try:
        async with coordinator._commit_lock:
            await asyncio.shield(coordinator._do_commit_offsets(assignment, offsets))
    except _REBALANCED as error:
        raise CommitFailedError("the group has rebalanced") from error


def _exists(place: Place, shapes: Mapping[str, TopicShape] | None) -> bool:
    """Return whether the partition exists, if that is known."""
    topic, number = place
    return shapes is None or (topic in shapes and number < shapes[topic].partitions)


async def _found(
    consumer: Any, assigned: Collection[TopicPartition]
) -> dict[Place, FoundPartition]:
    shapes = await topic_shapes(consumer._client, {place.topic for place in assigned})
    places = [place for place in assigned if _exists(place, shapes)]
    if not places:
        return {}
    committed, begins, ends = await asyncio.gather(
        consumer._coordinator.fetch_committed_offsets(places),
        consumer.beginning_offsets(places),
        consumer.end_offsets(places),
    )
    return {
        (place.topic, place.partition): FoundPartition(
            topic_id=shapes[place.topic].id if shapes else "",
            begin=begins[place],
            end=ends[place],
            committed=done.offset if (done := committed.get(place)) and done.offset >= 0 else None,
            metadata=done.metadata if done else "",
        )
        for place in places
    }
