"""In-memory log: the twin of producers and of the journal's log, for tests and dry runs.

Records keep their order, partition and broker time, as on a broker. The twin loses no record and
stores none twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass

from core.clock import Clock
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Delivered, Outgoing, refuse_nothing
from schemas.errors import DeliveryError
from schemas.topics import COST, OUTCOMES
from streams.journal.journal_log import JournalRecord, booking_of
from streams.journal.sent_replies import RecordPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record in the log, and its position."""

    record: Outgoing
    at: Delivered


class MemoryLog:
    """All topics. Publishes as `Publisher`, is read as `JournalLog`."""

    def __init__(self, clock: Clock, broken: Collection[str] = ()) -> None:
        self._clock = clock
        self._stored: dict[tuple[str, int], list[Stored]] = {}
        self._following: dict[int, int] = {}
        self.broken = set(broken)

    def of(self, topic: str, partition: int = 0) -> list[Stored]:
        """Return the records of a partition, in order."""
        return self._stored.get((topic, partition), [])

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        """Return the values of a partition, in order."""
        return [stored.record.value or b"" for stored in self.of(topic, partition)]

    def incoming(self, topic: str, partition: int = 0) -> list[Incoming]:
        """Return a partition as a consumer receives it."""
        return [
            Incoming(
                topic=topic,
                partition=partition,
                offset=stored.at.offset,
                timestamp=stored.at.timestamp,
                key=stored.record.key,
                value=stored.record.value,
                headers=stored.record.headers,
            )
            for stored in self.of(topic, partition)
        ]

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.publish`."""
        return self._keep(record)

    async def reply(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.reply`."""
        return self._keep(record)

    def _keep(self, record: Outgoing) -> Awaitable[Delivered]:
        refuse_nothing(record)
        future: asyncio.Future[Delivered] = asyncio.get_running_loop().create_future()
        if record.topic in self.broken:
            future.set_exception(DeliveryError(f"{record.topic} is broken"))
        else:
            future.set_result(self.append(record))
        return future

    def append(self, record: Outgoing) -> Delivered:
        """Store a record as any client may write it, also without key and value."""
        partition = record.partition or 0
        place = self._stored.setdefault((record.topic, partition), [])
        at = Delivered(
            topic=record.topic,
            partition=partition,
            offset=len(place),
            timestamp=self._clock.now(),
        )
        place.append(Stored(record=record, at=at))
        return at

    async def oldest_unfinished(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Commits are unknown here: everything counts as unfinished since the beginning."""
        return dict.fromkeys(partitions, 0)

    async def offsets_at(self, times: Mapping[int, int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        return {
            partition: sum(1 for stored in self.of(OUTCOMES, partition) if stored.at.timestamp < at)
            for partition, at in times.items()
        }

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `JournalLog`."""
        return {partition: len(self.of(OUTCOMES, partition)) for partition in partitions}

    async def follow(self, positions: Mapping[int, int]) -> None:
        """See `JournalLog`."""
        self._following = dict(positions)

    async def read(self) -> Sequence[JournalRecord]:
        """See `JournalLog`."""
        news = [
            JournalRecord(
                partition=partition,
                offset=stored.at.offset,
                at=stored.at.timestamp,
                key=stored.record.key or b"",
                headers=stored.record.headers,
                value=stored.record.value or b"",
            )
            for partition, position in self._following.items()
            for stored in self.of(OUTCOMES, partition)[position:]
        ]
        for record in news:
            self._following[record.partition] = record.offset + 1
        return news

    def partition_of(self, identity: bytes) -> int:
        """See `JournalLog`. An in-memory record is in partition 0 unless it names another."""
        return 0

    async def booked_calls(self, since: Mapping[int, int]) -> Mapping[str, bool]:
        """See `JournalLog`."""
        found: dict[str, bool] = {}
        for partition, at in since.items():
            for stored in self.of(COST, partition):
                booking = booking_of(stored.record.headers)
                if booking is not None and stored.at.timestamp >= at:
                    found[booking[0]] = booking[1] or found.get(booking[0], False)
        return found


class MemorySentReplies:
    """`SentReplies` on an in-memory log."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def read(self, place: RecordPlace) -> bytes | None:
        """See `SentReplies.read`."""
        stored = self._log.of(place.topic, place.partition)
        return stored[place.offset].record.value if place.offset < len(stored) else None
