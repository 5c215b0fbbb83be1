"""Port to the tables: leases, stored offsets and inserts.

The protocol for exactly-once: first lease, which ends the writes of every predecessor; then query
the stored offset; then insert batches under the lease, in order. An insert is atomic, and never
succeeds under a lease that is not the partition's greatest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLease:
    """The right to write a partition's rows, until a greater (epoch, claim) exists."""

    place: Place
    epoch: int
    token: str


class Store(Protocol):
    """The interface of ClickHouse for the sink.

    Every method raises `UnreachableError` (result unknown) or `ClickHouseRefusedError` (nothing
    happened).
    """

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Lease partitions; on return no predecessor's insert runs or can start."""
        ...

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the greatest stored offset of each partition, dead letters included; partitions
        without rows are absent.
        """
        ...

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Return keys of the recently counted rows with their broker times, ms, oldest first."""
        ...

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch.

        Raises:
            FencedError: the lease is no longer the greatest; nothing was stored.
        """
        ...

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store batches of different partitions of one topic in one table: all, or none.

        Raises:
            FencedError: one of the leases is no longer the greatest; nothing was stored.
        """
        ...

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """After an insert without a clear response: kill it, and return whether it is stored.

        Raises:
            FencedError: the lease is no longer the greatest.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
