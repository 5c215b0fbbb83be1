"""Takeover of partitions: lease them, query the stored offsets, start after them.

If nothing is stored of a partition, its committed offset is used, else its beginning. A log that
ends before the start was deleted and recreated; an operator must decide what to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiokafka.errors import KafkaError

from schemas.errors import SinkError
from sinks.clickhouse.store import PartitionLease, Store
from sinks.errors import LogRecreatedError
from sinks.ingest.partition_writer import delays
from sinks.rows.dedup import SeenWindow
from sinks.rows.log_position import Place
from sinks.rows.tables import table_of
from sinks.status import SinkStatus

log = logging.getLogger(__name__)


class LogBounds(Protocol):
    """Offset bounds of the log."""

    async def beginnings(self, places: Collection[Place]) -> Mapping[Place, int]:
        """Return the first offset of each partition."""
        ...

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        """Return the end offset of each partition."""
        ...

    async def committed(self, place: Place) -> int | None:
        """Return the group's committed offset, if any."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStart:
    """Start offset of a partition. `skipped` records were deleted from the log before they were
    stored.
    """

    claim: PartitionLease
    offset: int
    window: SeenWindow
    skipped: int = 0


async def take_over(
    places: Collection[Place], store: Store, bounds: LogBounds
) -> dict[Place, WriteStart]:
    """Take partitions over.

    Raises:
        LogRecreatedError: a log ends before its stored offset.
        SinkError: ClickHouse does not respond or rejects the lease; retry.
    """
    claims = await store.claim(places)
    stored = await store.stored(places)
    beginnings, ends = await bounds.beginnings(places), await bounds.ends(places)
    starts: dict[Place, WriteStart] = {}
    for place, claim in claims.items():
        offset = await _start_offset(place, stored.get(place), bounds)
        if offset is not None and offset > ends[place]:
            raise LogRecreatedError(
                f"{place.topic}:{place.partition} ends at offset {ends[place]}, but rows up to "
                f"{offset} are stored or committed: the topic was recreated. Give the new "
                "topic another name, or move its rows out of the tables and reset the offsets "
                "of the group, then start the sink again."
            )
        start = beginnings[place] if offset is None else max(offset, beginnings[place])
        skipped = 0 if offset is None else start - offset
        if skipped:
            log.error(
                "%s:%d: %d offsets were deleted from the log before they were stored; retention "
                "is shorter than the sink's downtime",
                *place,
                skipped,
            )
        window = SeenWindow()
        window.fill(await store.counted(place, table_of(place.topic)))
        starts[place] = WriteStart(claim=claim, offset=start, window=window, skipped=skipped)
    return starts


async def until_taken_over(
    places: Collection[Place], store: Store, bounds: LogBounds, status: SinkStatus
) -> dict[Place, WriteStart]:
    """Take partitions over with retries; `status` has the reason of the last failure.

    Raises:
        LogRecreatedError: a log ends before its stored offset.
    """
    waits = delays()
    while True:
        try:
            return await take_over(places, store, bounds)
        except LogRecreatedError:
            raise
        except (SinkError, KafkaError) as error:
            status.failing(str(error))
            log.warning("takeover failed, retrying: %s", error)
            await asyncio.sleep(next(waits))


async def _start_offset(place: Place, stored: int | None, bounds: LogBounds) -> int | None:
    return await bounds.committed(place) if stored is None else stored + 1
