"""Assignor of the workers' group: Faust's, with corrected claims.

Faust keeps the members' previous partitions, so that few move. It uses the claims as they are,
which fails in three ways. Removed partitions count: a member that had partitions 2 and 3 of a topic
that now has two was full of them, and the failed assertion ended the leading worker. Two members
may claim one partition, as after an expired session. And free partitions go to members in turn,
whatever each has: a third member of seven partitions got one. So each member's claims are corrected
first: no removed partition, none twice, and for each member the minimum fair share. At most one for
each member remains.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

log = logging.getLogger(__name__)


class GroupAssignor(PartitionAssignor):
    """Faust's assignor, with corrected claims. Members with either one can share a group."""

    def _perform_assignment(
        self, cluster: ClusterMetadata, member_metadata: Mapping[str, Any]
    ) -> Any:
        known = {member: _client_metadata(each) for member, each in member_metadata.items()}
        had = {member: each.assignment.actives for member, each in known.items()}
        claims: dict[str, dict[str, list[int]]] = {member: {} for member in known}
        for count, members, topics in _groups(cluster, member_metadata):
            before = [_first(had[member], topics) for member in members]
            for member, share in zip(members, sound_claims(before, count), strict=True):
                claims[member].update(dict.fromkeys(topics, share))
        for member, each in known.items():
            each.assignment = ClientAssignment(actives=claims[member], standbys={})
        return super()._perform_assignment(
            cluster,
            {
                member: ConsumerProtocolMemberMetadata(
                    each.version, list(each.subscription), known[member].dumps()
                )
                for member, each in member_metadata.items()
            },
        )


def _client_metadata(member: ConsumerProtocolMemberMetadata) -> ClientMetadata:
    """Return a member's claims; unreadable ones count as none."""
    try:
        known: ClientMetadata = ClientMetadata.loads(member.user_data)
        had = known.assignment.actives
        is_readable = all(type(each) is int for numbers in had.values() for each in numbers)
    except (TypeError, ValueError, AttributeError, KeyError):
        is_readable = False
    if is_readable:
        return known
    log.warning("a member of the workers' group sent no readable claims; it gets a fair share")
    return ClientMetadata(
        assignment=ClientAssignment(actives={}, standbys={}),
        url="",
        changelog_distribution={},
        external_topic_distribution={},
        topic_groups={},
    )


def _groups(
    cluster: ClusterMetadata, members: Mapping[str, Any]
) -> list[tuple[int, list[str], list[str]]]:
    """Return partition count, subscribers and topics that Faust assigns together, all sorted."""
    subscribers: dict[str, list[str]] = defaultdict(list)
    for member in sorted(members):
        for topic in set(members[member].subscription):
            subscribers[topic].append(member)
    together: dict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
    for topic in sorted(subscribers):
        count = len(cluster.partitions_for_topic(topic) or ())
        if count:
            together[count, tuple(subscribers[topic])].append(topic)
    return [(count, list(who), topics) for (count, who), topics in sorted(together.items())]


def _first(had: Mapping[str, Sequence[int]], topics: Sequence[str]) -> Sequence[int]:
    """Return a member's claims on topics that are assigned together: those on the first."""
    return next((had[topic] for topic in topics if had.get(topic)), ())


def sound_claims(had: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """Return a fair share of partitions 0..`count` - 1 for each member, of its claims where
    possible.

    Each member gets `count` // members partitions, and no partition is in two shares. The remainder
    stays with members that had it, one each, or in no share.
    """
    least, over = divmod(count, len(had))
    taken: set[int] = set()
    shares: list[list[int]] = []
    for before in had:
        there = [number for number in dict.fromkeys(before) if 0 <= number < count]
        share = [number for number in there if number not in taken][: least + (over > 0)]
        over -= len(share) > least
        taken.update(share)
        shares.append(share)
    free = [number for number in range(count) if number not in taken]
    for share in shares:
        while len(share) < least:
            share.append(free.pop(0))
    return shares
