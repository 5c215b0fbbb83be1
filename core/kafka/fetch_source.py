"""What a fetcher gets its records from: the port, and its values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from aiokafka import TopicPartition
from confluent_kafka import KafkaError


class FetchedRecord(NamedTuple):
    """A record with the attributes of aiokafka's `ConsumerRecord` that are used here.

    `timestamp` is in ms; `timestamp_type` is 0 for the producer's and 1 for the broker's time.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    checksum: int | None = None
    serialized_key_size: int = -1
    serialized_value_size: int = -1


@dataclass(slots=True, kw_only=True)
class PartitionBatch:
    """What was fetched of a partition: records in order, and the offset after them, which also
    passes removed records and transaction markers. `unreadable` is the offset of a record after
    them that librdkafka cannot read. `error` ends the reading of the partition.
    """

    records: list[FetchedRecord] = field(default_factory=list)
    next_offset: int = -1
    unreadable: int | None = None
    error: KafkaError | None = None


Batch = Mapping[TopicPartition, PartitionBatch]


class FetchSource(Protocol):
    """Source of fetched records; methods are called on the loop and do not block."""

    def assign(self, generation: int, offsets: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets, and no others. Batches that arrive afterwards
        have this generation or an earlier one.
        """
        ...

    def pause(self, places: Collection[TopicPartition]) -> None:
        """Fetch no more records of these partitions; fetched ones still arrive."""
        ...

    def resume(self, places: Collection[TopicPartition]) -> None:
        """Continue with paused partitions."""
        ...

    def taken(self) -> None:
        """Note that an arrived batch was taken: the number of batches that were not is limited."""
        ...

    def highwater(self, place: TopicPartition) -> int | None:
        """Return the end offset of an assigned partition, as known a second ago."""
        ...

    @property
    def failure(self) -> Exception | None:
        """Return the error that ended the fetching, if one did."""
        ...

    async def close(self) -> None:
        """Stop fetching."""
        ...
