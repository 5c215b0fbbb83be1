"""Batches of one moment go together: one insert for all partitions of a topic, not one for each.

ClickHouse pays for an insert, hardly for its rows. Writers flush at the same ticks (`batch`), and
what they hand over within a moment is one insert, guarded by every claim in it.

What is stored once stays so: an insert of several claims that did not plainly succeed is never made
again. Each partition in it is claimed anew before anything else is written for it, after which no
part of that insert can be stored any more, however late it arrives; and what it did store is seen
by whoever claims. The rows that it held then go alone, so that a partition that is taken over or
that holds a bad row hinders the others once.
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
    """A store that joins inserts; all else is the store's own."""

    def __init__(self, store: Store, limits: BatchLimits) -> None:
        self._store = store
        self._limits = limits
        self._waiting: dict[tuple[str, str], list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alone_until: dict[Place, int] = {}

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Claim partitions."""
        return await self._store.claim(places)

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """The greatest offset stored of each partition."""
        return await self._store.stored(places)

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Keys of the rows that counted lately."""
        return await self._store.counted(place, table)

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """Whether a doubtful insert is stored."""
        return await self._store.settle(batch, claim)

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch, together with others where there are some.

        Raises:
            FencedError: the claim, or that of another batch beside it, is over.
            SpentClaimError: it failed beside others; nothing may be inserted under the claim.
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
        """Store batches as they are given."""
        await self._store.insert_together(claimed)

    async def close(self) -> None:
        """End what runs, and close the store."""
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
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            if len(together) > 1:
                self._part(together)
            for each in together:
                if not each.done.done():
                    each.done.set_exception(_told(error, len(together)))
        else:
            for each in together:
                if not each.done.done():
                    each.done.set_result(None)

    def _part(self, together: Sequence[_Waiting]) -> None:
        for each in together:
            self._alone_until[each.batch.place] = each.batch.last


def _told(error: Exception, several: int) -> Exception:
    """What each of those that waited is told; an exception of its own, since each is raised."""
    if isinstance(error, FencedError):
        return FencedError(str(error))
    if isinstance(error, SinkError) and several > 1:
        told = LeaseInvalidatedError(str(error))
        told.__cause__ = error
        return told
    return error
