"""The port to the tables: who may write a partition, what is stored of it, one batch more.

The protocol that makes it exact: claim first, which ends the writes of every predecessor; then ask
what is stored; then insert batches under the claim, in order. An insert is stored whole or not at
all, and never under a claim that is not the partition's greatest.
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
    """The right to write a partition's rows, until a greater (epoch, claim) is made."""

    place: Place
    epoch: int
    token: str


class Store(Protocol):
    """What the sink asks of ClickHouse.

    Every method raises `UnreachableError` (it may have happened) or `RefusedError` (it did not).
    """

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Claim partitions; on return no predecessor's insert runs or can start."""
        ...

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """The greatest offset stored of each partition, dead letters included; absent: none."""
        ...

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Keys of the rows that counted lately, with their broker times, ms, oldest first."""
        ...

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch.

        Raises:
            FencedError: the claim is not the greatest any more; nothing was stored.
        """
        ...

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store batches of different partitions of one topic in one table: all, or none.

        Raises:
            FencedError: one of the claims is not the greatest any more; nothing was stored.
        """
        ...

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """After an insert without a clear answer: end it, and say whether it is stored.

        Raises:
            FencedError: the claim is not the greatest any more.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
