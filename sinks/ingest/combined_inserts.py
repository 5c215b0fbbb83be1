"""Combined inserts: one insert for all partitions of a topic instead of one per partition.

The cost of an insert in ClickHouse hardly depends on its rows. Writers flush at the same ticks
(`batch`), and their batches within a short interval form one insert, guarded by every lease in it.

Stored rows stay stored exactly once: an insert of several leases that did not clearly succeed is
never repeated. Each of its partitions is leased again before any other write. After that no part of
the insert can be stored, however late it arrives, and the new lease sees the rows that it did
store. Its remaining rows are inserted separately, so that a partition that is taken over or has a
bad row delays the others only once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import FencedError, SinkError
from sinks.clickhouse.store import PartitionLease, Store
from sinks.errors import LeaseInvalidatedError
from sinks.rows.batch import Batch, BatchLimits
from sinks.rows.log_position import Place
from sinks.rows.tables import EventTable

GATHER_S = 0.005
"""How long the first batch of an insert waits for those of other partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    batch: Batch
    claim: PartitionLease
    done: asyncio.Future[None]


class CombiningStore:
    """A store that combines inserts and delegates all other operations."""

    def __init__(self, store: Store, limits: BatchLimits) -> None:
        self._store = store
        self._limits = limits
        self._waiting: dict[tuple[str, str], list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alone_until: dict[Place, int] = {}

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Lease partitions."""
        return await self._store.claim(places)

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the greatest stored offset of each partition."""
        return await self._store.stored(places)

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Return keys of the recently counted rows."""
        return await self._store.counted(place, table)

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """Return whether an insert with unknown result is stored."""
        return await self._store.settle(batch, claim)

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch, combined with others if there are any.

        Raises:
            FencedError: the lease, or that of another batch in the insert, has ended.
            LeaseInvalidatedError: the combined insert failed; the lease must not be used any more.
        """
        if batch.first <= self._alone_until.get(batch.place, -1):
            await self._store.insert(batch, claim)
            return
        waiting = self._waiting.setdefault((batch.table.name, batch.place.topic), [])
        if not waiting:
            self._spawn(self._gather(waiting))
        done = asyncio.get_running_loop().create_future()
        waiting.append(_Waiting(batch=batch, claim=claim, done=done))
        await done

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store the given batches."""
        await self._store.insert_together(claimed)

    async def close(self) -> None:
        """Stop running inserts, and close the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _gather(self, waiting: list[_Waiting]) -> None:
        await asyncio.sleep(GATHER_S)
        wanted = [each for each in waiting if not each.done.done()]
        waiting.clear()
        for together in self._within_limits(wanted):
            self._spawn(self._insert(together))

    def _within_limits(self, wanted: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
        together: list[_Waiting] = []
        rows = size = 0
        for each in wanted:
            rows, size = rows + len(each.batch.rows), size + each.batch.size
            if together and (rows > self._limits.rows or size > self._limits.size):
                yield together
                together, rows, size = [], len(each.batch.rows), each.batch.size
            together.append(each)
        if together:
            yield together

    async def _insert(self, together: list[_Waiting]) -> None:
        try:
            if len(together) == 1:
                await self._store.insert(together[0].batch, together[0].claim)
            else:
                await self._store.insert_together([(each.batch, each.claim) for each in together])
        except asyncio.CancelledError:
            for each in together:
                each.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every waiting caller gets it
            if len(together) > 1:
                self._part(together)
            for each in together:
                if not each.done.done():
                    each.done.set_exception(_copy_of(error, len(together)))
        else:
            for each in together:
                if not each.done.done():
                    each.done.set_result(None)

    def _part(self, together: Sequence[_Waiting]) -> None:
        for each in together:
            self._alone_until[each.batch.place] = each.batch.last


def _copy_of(error: Exception, several: int) -> Exception:
    """Return the exception for each waiting caller: a separate object, since each is raised."""
    if isinstance(error, FencedError):
        return FencedError(str(error))
    if isinstance(error, SinkError) and several > 1:
        copy = LeaseInvalidatedError(str(error))
        copy.__cause__ = error
        return copy
    return error
