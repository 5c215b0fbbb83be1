"""Journals of the partitions that a worker owns, caught up before any work is opened.

Invariants: no message of a partition is admitted before its journal is read to the end offset seen
after the assignment. A journal that stays with the worker over a rebalance is followed on, not read
again. The worker's own records are applied when the broker acknowledges them, not when they are
read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from core.clock import Clock
from schemas.identity import DEFAULT_TENANT, DUPLICATE_WINDOW_MS, identity_key, split_identity
from schemas.journal_headers import INCARNATION, JournalHeaders
from schemas.topics import OUTCOMES
from streams.bad_input.bad_records import BadRecords, unwatched
from streams.journal.admission import BegunCall, CallStart, Owner
from streams.journal.journal_log import JournalLog, JournalRecord
from streams.journal.partition_journal import PartitionJournal

LOOK_BACK_MS = 5 * 60 * 1000
"""Time before the oldest unfinished work from which the journal is read (design, section 2)."""

MOST_TENANTS = 1_000
"""Maximum number of tenants kept, to find the tenant of a request id."""

_PRUNE_EVERY = 5_000
_PAUSE_S = 0.1


class _Followed:
    """A partition's journal, the offset that was read and the offset that must be read."""

    def __init__(self, position: int, target: int) -> None:
        self.journal = PartitionJournal()
        self.position = position
        self.target = target
        self.ready = asyncio.Event()

    def aim(self, target: int) -> None:
        """Require everything up to an end offset before work is opened."""
        self.target = target
        self.ready.clear()
        self.check()

    def check(self) -> None:
        if self.position >= self.target:
            self.ready.set()


class Journals:
    """All journals of one worker."""

    def __init__(
        self, log_: JournalLog, me: Owner, clock: Clock, bad: BadRecords | None = None
    ) -> None:
        self._log = log_
        self._bad = bad or unwatched()
        self._me = me
        self._mine = me.incarnation.encode()
        self._clock = clock
        self._followed: dict[int, _Followed] = {}
        self._assigning = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._since_prune = 0
        self._tenants: set[str] = set()

    async def assign(self, partitions: Collection[int]) -> None:
        """Set the owned partitions: read new ones, keep those that stay, drop the rest."""
        async with self._assigning:
            new = [partition for partition in partitions if partition not in self._followed]
            starts = await self._starts(new)
            ends = await self._log.ends(partitions)
            async with self._reading:
                for partition in set(self._followed) - set(partitions):
                    del self._followed[partition]
                for partition in new:
                    self._followed[partition] = _Followed(starts[partition], ends[partition])
                for partition in partitions:
                    self._followed[partition].aim(ends[partition])
                await self._log.follow(
                    {number: followed.position for number, followed in self._followed.items()}
                )

    async def _starts(self, partitions: Collection[int]) -> dict[int, int]:
        if not partitions:
            return {}
        now = self._clock.now()
        oldest = await self._log.oldest_unfinished(partitions)
        times = {
            partition: min(oldest.get(partition, now) - LOOK_BACK_MS, now - DUPLICATE_WINDOW_MS)
            for partition in partitions
        }
        return dict(await self._log.offsets_at(times))

    async def ready(self, partition: int) -> PartitionJournal:
        """Return the journal of a partition, once it is caught up.

        Raises:
            KeyError: the partition is not owned.
        """
        followed = self._followed[partition]
        if not followed.ready.is_set():
            await followed.ready.wait()
        return followed.journal

    def is_cancelled(self, partition: int, identity: bytes, requested_at: int) -> bool:
        """Return whether the journal of a partition, if it is owned, has a record that cancels a
        request of this broker time, ms.
        """
        followed = self._followed.get(partition)
        return followed is not None and followed.journal.is_cancelled(identity, requested_at)

    def holds(self, partition: int) -> bool:
        """Return whether the partition is owned."""
        return partition in self._followed

    def wrote(self, partition: int, identity: bytes, entry: JournalHeaders, at: int) -> None:
        """Apply a record of this worker that the broker acknowledged."""
        followed = self._followed.get(partition)
        if followed is not None:
            self._note_tenant(split_identity(identity)[0])
            followed.journal.record(identity, entry, at)

    def tenant_of(self, request_id: str, declared: Collection[str] = ()) -> str | None:
        """Return the only tenant that a request id can belong to; `None` if that is not certain.

        Candidates are the `declared` tenants and those seen in this worker's journals; the default
        tenant if there are none. With several candidates, the id must be known under one of them,
        and its partition must be owned under each: journals of other workers are not visible here.
        """
        if len(self._tenants) > MOST_TENANTS:
            return None
        tenants = {*declared, *self._tenants}
        if len(tenants) <= 1:
            return next(iter(tenants), DEFAULT_TENANT)
        identities = {tenant: identity_key(tenant, request_id) for tenant in tenants}
        if not all(self._log.partition_of(key) in self._followed for key in identities.values()):
            return None
        known = [
            tenant
            for tenant, key in identities.items()
            if any(followed.journal.knows(key) for followed in self._followed.values())
        ]
        return known[0] if len(known) == 1 else None

    def _note_tenant(self, tenant: str) -> None:
        if len(self._tenants) <= MOST_TENANTS:
            self._tenants.add(tenant)

    def booked(self, partition: int, identity: bytes, call_id: str) -> None:
        """Apply a cost event that the broker acknowledged."""
        followed = self._followed.get(partition)
        if followed is not None:
            followed.journal.booked(identity, call_id)

    async def unbooked(self, partition: int, calls: Sequence[BegunCall]) -> list[BegunCall]:
        """Return those of the calls that have no cost event in the log."""
        if not calls:
            return []
        since = min(call.started_at for call in calls) - 1
        booked = await self._log.booked_calls({partition: since})
        for call in calls:
            if call.call_id in booked:
                self.booked(partition, call.identity, call.call_id)
        return [call for call in calls if call.call_id not in booked]

    async def lost_workers(self, partition: int, starts: Sequence[CallStart]) -> int:
        """Return how many incarnations ended while they worked on the hop of these calls.

        An orderly shutdown does not count: it is marked in the cost events. The cost topic is read
        only if there may be more than one.
        """
        incarnations = {start.incarnation for start in starts}
        if len(incarnations) < 2:
            return len(incarnations)
        booked = await self._log.booked_calls({partition: min(each.at for each in starts) - 1})
        return len({each.incarnation for each in starts if not booked.get(each.call_id, False)})

    def orphans(self) -> dict[int, tuple[BegunCall, ...]]:
        """Return calls that no worker will record any more, by partition."""
        now = self._clock.now()
        found = {
            partition: followed.journal.orphans(self._me, now)
            for partition, followed in self._followed.items()
            if followed.ready.is_set()
        }
        return {partition: calls for partition, calls in found.items() if calls}

    async def take_news(self) -> int:
        """Apply unread records of the log; return their number."""
        async with self._reading:
            records = await self._log.read()
            for record in records:
                self._take(record)
        self._prune(len(records))
        return len(records)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            if not self._followed:
                await asyncio.sleep(_PAUSE_S)
                continue
            await self.take_news()
            if all(followed.ready.is_set() for followed in self._followed.values()):
                await asyncio.sleep(_PAUSE_S)

    def _take(self, record: JournalRecord) -> None:
        followed = self._followed.get(record.partition)
        if followed is None or record.offset < followed.position:
            return
        followed.position = record.offset + 1
        if not (followed.ready.is_set() and self._is_mine(record)):
            try:
                entry = JournalHeaders.decode(record.headers)
                self._note_tenant(split_identity(record.key)[0])
                followed.journal.record(record.key, entry, record.at, record.value)
            except Exception as error:  # noqa: BLE001 - no record may end the reading of others
                self._bad.note(OUTCOMES, record.partition, record.offset, error)
        followed.check()

    def _is_mine(self, record: JournalRecord) -> bool:
        return any(name == INCARNATION and value == self._mine for name, value in record.headers)

    def _prune(self, read: int) -> None:
        self._since_prune += read
        if self._since_prune < _PRUNE_EVERY:
            return
        self._since_prune = 0
        before = self._clock.now() - DUPLICATE_WINDOW_MS
        for followed in self._followed.values():
            followed.journal.forget_before(before)
