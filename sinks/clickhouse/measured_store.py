"""A store wrapper that counts and times inserts and leases.

It sits between the combining store and ClickHouse, so that it counts the inserts that ClickHouse
receives, not the batches in them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from schemas.errors import SinkError
from sinks.clickhouse.store import PartitionLease, Store
from sinks.clock import SinkClock
from sinks.metrics import SinkMetrics
from sinks.rows.batch import Batch
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable


class MeasuredStore:
    """Counts the operations of a store."""

    def __init__(self, store: Store, metrics: SinkMetrics, clock: SinkClock) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Lease partitions."""
        try:
            claims = await self._store.claim(places)
        except SinkError as error:
            self._metrics.takeover_failures.labels(type(error).__name__).inc()
            raise
        for place in claims:
            self._metrics.takeovers.labels(place.topic).inc()
        return claims

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the greatest stored offset of each partition."""
        return await self._store.stored(places)

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Return keys of the recently counted rows."""
        return await self._store.counted(place, table)

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch."""
        await self.insert_together([(batch, claim)])

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store batches: all, or none."""
        table = claimed[0][0].table.name
        begun = self._clock.elapsed_s()
        try:
            await self._store.insert_together(claimed)
        except SinkError as error:
            self._metrics.insert_failures.labels(table, type(error).__name__).inc()
            raise
        took = self._clock.elapsed_s() - begun
        batches = [batch for batch, _ in claimed]
        metrics = self._metrics
        metrics.inserts.labels(table).inc()
        metrics.insert_seconds.labels(table).observe(took)
        metrics.insert_rows.labels(table).observe(sum(len(batch.rows) for batch in batches))
        metrics.insert_bytes.labels(table).observe(sum(batch.size for batch in batches))
        for batch in batches:
            self._count(batch)

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """Return whether an insert with unknown result is stored; if so, count its rows."""
        stored = await self._store.settle(batch, claim)
        if stored:
            self._count(batch)
        return stored

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()

    def _count(self, batch: Batch) -> None:
        table = batch.table
        self._metrics.rows.labels(table.name).inc(len(batch.rows))
        if table.repeats:
            self._metrics.repeats.labels(table.name).inc(sum(row.repeat for row in batch.rows))
