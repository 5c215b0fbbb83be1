"""Which partitions a consumer group has given out, as its coordinator tells it.

A member knows its own partitions only, so none can see that a partition is nobody's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest

_STABLE = "Stable"


class UnreadableAssignmentError(KafkaError):  # type: ignore[misc]
    """What a member of the group was given is in no form that is known; asking again is no help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStanding:
    """How many members a group has, and which partitions of each topic they have together."""

    members: int
    given: Mapping[str, frozenset[int]]


async def group_standing(consumer: Any) -> GroupStanding | None:
    """How the group of an aiokafka consumer stands; `None` while it rebalances.

    Raises:
        KafkaError: the coordinator is not known, or did not answer.
        UnreadableAssignmentError: what a member was given can't be read.
    """
    coordinator = consumer._coordinator
    if coordinator.coordinator_id is None:
        raise GroupCoordinatorNotAvailableError
    asked = DescribeGroupsRequest([coordinator.group_id])
    found = await consumer._client.send(coordinator.coordinator_id, asked)
    ((error, _, state, _, _, members, *_),) = found.groups
    if error:
        raise for_code(error)()
    if state != _STABLE:
        return None
    given: dict[str, set[int]] = defaultdict(set)
    for *_, assignment in members:
        for topic, partitions in _partitions(assignment):
            given[topic].update(partitions)
    return GroupStanding(
        members=len(members), given={topic: frozenset(each) for topic, each in given.items()}
    )


def _partitions(assignment: bytes) -> list[tuple[str, list[int]]]:
    """What a member was given. Its leader wrote it, which may be a client of any kind."""
    if not assignment:
        return []
    try:
        found = ConsumerProtocol.ASSIGNMENT.decode(assignment).assignment
        return [(str(topic), list(partitions)) for topic, partitions in found]
    except (ValueError, TypeError, MemoryError) as error:
        raise UnreadableAssignmentError(type(error).__name__) from None
