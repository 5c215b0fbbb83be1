"""Reads one record by its offset with aiokafka, over the connections of a client."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest

from core.kafka.tolerant_records import TolerantRecords

_WAIT_MS = 100
_MAX_BYTES = 64 * 1024 * 1024
_PREFERRED_REPLICA = 11
"""Version of the response from which the preferred replica stands before the records."""


async def read_one(
    client: Any, place: TopicPartition, offset: int, isolation_level: int
) -> list[Any]:
    """Return the record at this offset; empty if there is none.

    Raises:
        KafkaError: the broker did not respond, or rejected the request.
    """
    request = FetchRequest(
        _WAIT_MS,
        1,
        _MAX_BYTES,
        isolation_level,
        [(place.topic, [(place.partition, offset, _MAX_BYTES)])],
        rack_id="",
    )
    leader = client.cluster.leader_for_partition(place)
    if leader is None or leader == -1:
        client.force_metadata_update()
        raise LeaderNotAvailableError(place)
    response = await client.send(leader, request)
    ((_, ((_, code, _, *data),)),) = response.topics
    if code:
        client.force_metadata_update()
        raise for_code(code)(place)
    aborted = data[2] if response.API_VERSION >= _PREFERRED_REPLICA else data[-2]
    records = PartitionRecords(
        place, TolerantRecords(data[-1]), aborted, offset, None, None, False, isolation_level
    )
    return [record for record in records if record.offset == offset]
