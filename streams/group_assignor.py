"""How the workers' group gives out partitions: Faust's way, over the partitions that there are.

Faust keeps to what members had before, so that little moves. It counts partitions that are gone as
well: a member that had partitions 2 and 3 of a topic that now has two was full of them. No room was
left for those that exist, and the assertion that failed then ended the worker that gave out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor


class GroupAssignor(PartitionAssignor):
    """Faust's assignor, which forgets what is gone. Members with either one share a group."""

    def _perform_assignment(
        self, cluster: ClusterMetadata, member_metadata: Mapping[str, Any]
    ) -> Any:
        kept = {member: _kept(each, cluster) for member, each in member_metadata.items()}
        return super()._perform_assignment(cluster, kept)


def _kept(
    metadata: ConsumerProtocolMemberMetadata, cluster: ClusterMetadata
) -> ConsumerProtocolMemberMetadata:
    """What a member says of itself, without partitions that are gone."""
    known = ClientMetadata.loads(metadata.user_data)
    for had in (known.assignment.actives, known.assignment.standbys):
        for topic, partitions in list(had.items()):
            there = cluster.partitions_for_topic(topic) or set()
            had[topic] = [number for number in partitions if number in there]
    return ConsumerProtocolMemberMetadata(
        metadata.version, list(metadata.subscription), known.dumps()
    )
