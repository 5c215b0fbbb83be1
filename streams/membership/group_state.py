"""Assignment of a consumer group, from its coordinator.

A member knows only its own partitions, so no member sees that a partition is unassigned.
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
    """A member's assignment has an unknown format; a retry does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStanding:
    """Number of members of a group, and the partitions of each topic that they have together."""

    members: int
    given: Mapping[str, frozenset[int]]


async def group_standing(consumer: Any) -> GroupStanding | None:
    """Return the state of an aiokafka consumer's group; `None` while it rebalances.

    Raises:
        KafkaError: the coordinator is unknown, or did not respond.
        UnreadableAssignmentError: a member's assignment is unreadable.
    """
    coordinator = consumer._coordinator
    if coordinator.coordinator_id is None:
        raise GroupCoordinatorNotAvailableError
    query = DescribeGroupsRequest([coordinator.group_id])
    found = await consumer._client.send(coordinator.coordinator_id, query)
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
    """Decode a member's assignment. The group leader wrote it, which may be any client."""
    if not assignment:
        return []
    try:
        found = ConsumerProtocol.ASSIGNMENT.decode(assignment).assignment
        return [(str(topic), list(partitions)) for topic, partitions in found]
    except (ValueError, TypeError, MemoryError) as error:
        raise UnreadableAssignmentError(type(error).__name__) from None
