"""Writer of one partition: batches records and retries each insert until it is stored, in order.

A writer lives as long as its lease. The caller bounds memory: it checks `held_bytes` and adds no
records above the limit.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence

from schemas.bad_records import UNDECODABLE, BadRecord, reason_of
from schemas.errors import FencedError, SinkError
from sinks.clickhouse.store import PartitionLease, Store
from sinks.clock import SinkClock
from sinks.errors import (
    BatchUnverifiedError,
    ClickHouseRefusedError,
    LeaseInvalidatedError,
    UnstorableRowsError,
)
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch, Batcher, BatchLimits
from sinks.rows.dedup import SeenWindow
from sinks.rows.document_rows import REFUSED, dead_letter
from sinks.rows.log_position import LogRecord
from sinks.rows.row_reader import RowReader
from sinks.rows.tables import DEAD_LETTERS
from sinks.status import SinkStatus

log = logging.getLogger(__name__)

ROW_CODES = frozenset({6, 26, 27, 32, 33, 69, 72, 108, 117, 128, 131, 190, 321, 349, 395, 407})
"""ClickHouse errors caused by values of rows: unparseable bytes, numbers out of range.

Every other error concerns the server or the tables, and is retried until it is resolved.
"""

REFUSALS_UNTIL_PROOF = 5
"""Rejections of one batch, with any error, after which its rows are verified: a value can break a
table's own aggregates with errors that do not mention rows.
"""

STD_EXCEPTION = 1001
AVRO_FAULT = "avro::"
"""Code 1001 covers errors of ClickHouse's Avro reader, and also full disks."""

_FIRST_DELAY_S = 0.05
_LONGEST_DELAY_S = 1.0


def delays() -> Iterator[float]:
    """Yield seconds between retries, without end: doubling up to one second, with jitter."""
    delay = _FIRST_DELAY_S
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(delay * 2, _LONGEST_DELAY_S)


OnBad = Callable[[BadRecord, LogRecord], None]


class PartitionWriter:
    """Writes one partition under one lease.

    `careful_until` is the offset up to which every event is verified before it is sent; `on_stored`
    is called after every batch, `on_bad` with every unreadable or unstorable record.
    """

    def __init__(
        self,
        claim: PartitionLease,
        reader: RowReader,
        window: SeenWindow,
        store: Store,
        *,
        limits: BatchLimits,
        clock: SinkClock,
        status: SinkStatus,
        stored_to: int,
        careful_until: int = -1,
        on_stored: Callable[[], None] = lambda: None,
        on_bad: OnBad = lambda bad, record: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.claim = claim
        self.stored_to = stored_to
        """The offset after the last stored row."""
        self._reader = reader
        self._window = window
        self._store = store
        self._batcher = Batcher(claim.place, limits)
        self._clock = clock
        self._status = status
        self._careful_until = careful_until
        self._proven: dict[int, LogRecord] = {}
        self._next = stored_to
        self._on_stored = on_stored
        self._on_bad = on_bad
        self._sleep = sleep
        self._changed = asyncio.Event()
        self._closing = False

    @property
    def held_bytes(self) -> int:
        """Return the bytes of rows that are not stored yet."""
        return self._batcher.size

    def offer(self, records: Sequence[LogRecord]) -> None:
        """Append records; records that were appended before are skipped."""
        if not records or records[-1].offset < self._next:
            return
        records = [each for each in records if each.offset >= self._next]
        self._next = records[-1].offset + 1
        now = self._clock.elapsed_s()
        reader, window, batcher = self._reader, self._window, self._batcher
        for record in records:
            careful = record.offset <= self._careful_until
            read = reader.read_carefully if careful else reader.read
            if careful:
                self._proven[record.offset] = record
            try:
                event = read(record)
                repeat = reader.repeats.mark(record, window)
            except Exception as error:  # noqa: BLE001 - no record may end the reading of others
                bad = self._bad(record, reason_of(error))
                event = dead_letter(
                    record, cause=UNDECODABLE, reason=bad.reason, worker=self._status.instance
                )
                self._on_bad(bad, record)
                batcher.add(DEAD_LETTERS, Row(record.offset, record.timestamp, 0, event), now)
            else:
                batcher.add(reader.table, Row(record.offset, record.timestamp, repeat, event), now)
            if record.offset == self._careful_until:
                batcher.cut()
        self._changed.set()

    def close(self) -> None:
        """Store the buffered rows, then let `run` return."""
        self._closing = True
        self._changed.set()

    async def run(self) -> None:
        """Store batches until closed.

        Raises:
            FencedError: the lease has ended.
            BatchUnverifiedError: ClickHouse cannot read a batch; read it again with verification.
            LeaseInvalidatedError: the lease must not be used any more; lease again.
        """
        while (batch := await self._next_batch()) is not None:
            await self._store_all(batch)
            self.stored_to = batch.last + 1
            self._batcher.stored(batch)
            self._forget_proven(batch.last)
            self._status.stored(len(batch.rows), self._clock.now_ms())
            self._on_stored()

    async def _next_batch(self) -> Batch | None:
        while True:
            due = self._batcher.due_in(self._clock.elapsed_s())
            if self._closing or due == 0.0:
                batch = self._batcher.take(self._clock.now_ms())
                if batch is not None or self._closing:
                    return batch
            self._changed.clear()
            try:
                async with asyncio.timeout(due):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _store_all(self, batch: Batch) -> None:
        """Store a batch; if ClickHouse rejects it, halve it down to the faulty row."""
        try:
            await self._until_stored(batch)
        except UnstorableRowsError as error:
            if len(batch.rows) > 1:
                for half in batch.halves():
                    await self._store_all(half)
                return
            row = self._refused(batch.rows[0], error)
            await self._until_stored(batch.of(DEAD_LETTERS, (row,)))

    def _bad(self, record: LogRecord, reason: str) -> BadRecord:
        topic, partition = self.claim.place
        return BadRecord(topic=topic, partition=partition, offset=record.offset, reason=reason)

    def _refused(self, row: Row, error: UnstorableRowsError) -> Row:
        record = self._proven[row.offset]
        self._on_bad(self._bad(record, str(error)), record)
        log.error("offset %d becomes a dead letter: %s", row.offset, error)
        event = dead_letter(record, cause=REFUSED, reason=str(error), worker=self._status.instance)
        return Row(row.offset, row.appended_at, 0, event)

    def _forget_proven(self, last: int) -> None:
        if self._proven:
            self._proven = {key: each for key, each in self._proven.items() if key > last}

    async def _until_stored(self, batch: Batch) -> None:
        refusals = 0
        for delay in delays():
            try:
                await self._store.insert(batch, self.claim)
            except FencedError:
                raise
            except SinkError as error:
                self._status.failing(str(error))
                log.warning("%s: insert failed, retrying: %s", batch.token, error)
                if await self._is_stored(batch, error):
                    return
                refusals += isinstance(error, ClickHouseRefusedError)
                if refusals >= REFUSALS_UNTIL_PROOF and batch.last > self._careful_until:
                    # Verified rows are not the cause, whatever the error.
                    raise BatchUnverifiedError(batch.last) from error
            else:
                return
            await self._sleep(delay)

    async def _is_stored(self, batch: Batch, cause: SinkError) -> bool:
        """Return whether an insert with unknown result was stored; False while this cannot be
        determined.
        """
        spent = isinstance(cause, LeaseInvalidatedError)
        try:
            if await self._store.settle(batch, self.claim):
                return True
        except FencedError:
            raise
        except SinkError as error:
            if spent:
                raise cause from error
            log.debug("%s: insert result unknown: %s", batch.token, error)
            return False
        if spent:
            raise cause
        if not blames_rows(cause):
            return False
        if batch.last > self._careful_until:
            raise BatchUnverifiedError(batch.last)
        if batch.table is DEAD_LETTERS:
            return False
        raise UnstorableRowsError(f"ClickHouse rejects its values: {cause}")


def blames_rows(error: SinkError) -> bool:
    """Return whether ClickHouse rejected the content of a row."""
    if not isinstance(error, ClickHouseRefusedError):
        return False
    return error.code in ROW_CODES or (error.code == STD_EXCEPTION and AVRO_FAULT in str(error))
