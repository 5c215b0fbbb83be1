"""In-memory twin of the store for tests: the same guarantees, with injected faults."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from schemas.errors import FencedError
from sinks.clickhouse.store import PartitionLease
from sinks.errors import ClickHouseRefusedError
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable

Fault = Callable[[Batch], None]


@dataclass
class MemoryStore:
    """Holds rows by partition and table.

    `before` and `after` are called around an insert with its batch and may raise. If `before`
    raises, nothing is stored; if `after` raises, the batch is stored.
    """

    rows: dict[Place, list[tuple[str, Row]]] = field(default_factory=dict)
    claims: dict[Place, PartitionLease] = field(default_factory=dict)
    before: Fault | None = None
    after: Fault | None = None
    refused_events: frozenset[bytes] = frozenset()

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Lease partitions."""
        for place in places:
            held = self.claims.get(place)
            epoch = held.epoch + 1 if held else 1
            self.claims[place] = PartitionLease(place=place, epoch=epoch, token=str(epoch))
        return {place: self.claims[place] for place in places}

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the greatest stored offset of each partition."""
        return {
            place: max(row.offset for _, row in self.rows[place])
            for place in places
            if self.rows.get(place)
        }

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Return nothing: ClickHouse computes the keys."""
        return ()

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch, unless fenced."""
        await self.insert_together([(batch, claim)])

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store all batches, or none."""
        for batch, claim in claimed:
            if self.before is not None:
                self.before(batch)
            if self.claims.get(batch.place) != claim:
                raise FencedError(f"{batch.place} was leased by a successor")
            if any(row.event in self.refused_events for row in batch.rows):
                raise ClickHouseRefusedError("the rows are misaligned", code=395)
        for batch, _ in claimed:
            stored = self.rows.setdefault(batch.place, [])
            stored.extend((batch.table.name, row) for row in batch.rows)
        for batch, _ in claimed:
            if self.after is not None:
                self.after(batch)

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """Return whether the batch is stored."""
        if self.claims.get(batch.place) != claim:
            raise FencedError(f"{batch.place} was leased by a successor")
        return (await self.stored([batch.place])).get(batch.place, -1) >= batch.last

    async def close(self) -> None:
        """Do nothing: there are no connections."""
