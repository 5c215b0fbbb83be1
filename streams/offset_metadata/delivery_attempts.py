"""Delivery attempts of messages, over restarts and owners: kept with the committed offsets.

`PartitionMark` defines the metadata. This is the state of one worker: the marks of its partitions,
and the order of messages that are tried alone. While one of them is tried, no other suspect of this
process is, and no later message of its topic is opened. A trial ends when the message is done, when
it waits for something that may take long, or when its journal records a start for it.

The consumer's thread reads the marks for each commit, and renews all of them with an assignment.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from streams.offset_metadata.partition_mark import PartitionMark
from streams.offset_metadata.retry_count import Tries

Place = tuple[str, int]
"""A topic and a partition."""

LONGEST_TRIAL_S = 1.0
"""A handler that takes longer is waiting; its message does not end the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPartition:
    """A partition at assignment: its log from `begin` to `end`, and the committed offset, `None`
    without one. `topic_id` is empty if the broker has no topic ids.
    """

    topic_id: str
    begin: int
    end: int
    committed: int | None
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit for a partition. `anew` says that the previously committed offset belongs to
    another log of that name.
    """

    offset: int
    metadata: str
    anew: bool = False


class MarkLog(Protocol):
    """Commits marks, each with the offset that is already committed."""

    async def write_marks(self, places: Collection[Place]) -> None:
        """Return when the broker has the current marks, or the partitions are revoked."""
        ...


class Trial:
    """The time during which a message is tried alone."""

    __slots__ = ("_over",)

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        """Do not count what follows against the message."""
        self._over.set()

    async def ended(self) -> bool:
        """Wait for the end of the trial, for a bounded time; return whether it ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_TRIAL_S):
                await self._over.wait()
        return self._over.is_set()


class DeliveryAttempts:
    """The attempts of one worker's messages; `holder` is its incarnation. Without a `log` of marks,
    nothing survives the process.
    """

    def __init__(self, holder: str, log: MarkLog | None = None) -> None:
        self._holder = holder
        self.log = log
        self._marks: dict[Place, PartitionMark] = {}
        self._starts: dict[Place, int] = {}
        self._turn = asyncio.Lock()
        self._on_trial: Place | None = None
        self._changing = threading.Lock()

    def take_over(self, found: Mapping[Place, FoundPartition]) -> dict[Place, Commit]:
        """Take over these partitions; return the commit for each of them."""
        with self._changing:
            self._marks, self._starts, self._on_trial = {}, {}, None
            return {place: self._taken_over(place, each) for place, each in found.items()}

    def _taken_over(self, place: Place, found: FoundPartition) -> Commit:
        known = PartitionMark.decode(found.metadata)
        anew = found.committed is not None and (
            found.committed > found.end
            or bool(known and known.topic_id and found.topic_id not in {"", known.topic_id})
        )
        if known is None or anew:
            known = PartitionMark()
        before = found.begin if found.committed is None or anew else found.committed
        start = max(before, found.begin)
        mark = known.taken_over(self._holder, start, found.end)
        mark = replace(mark, topic_id=found.topic_id or mark.topic_id)
        self._marks[place], self._starts[place] = mark, start
        return Commit(offset=before, metadata=mark.encode(), anew=anew)

    def metadata(self, place: Place, committed: int) -> str:
        """Update the mark for a commit of this offset, and return its metadata."""
        mark = self._marks.get(place)
        return "" if mark is None else mark.at(committed).encode()

    def give_up(self) -> None:
        """Release all partitions on shutdown; the marks are written afterwards."""
        with self._changing:
            self._marks = {place: mark.given_up() for place, mark in self._marks.items()}

    def topic_id(self, topic: str) -> str:
        """Return the topic id at assignment; empty if it is unknown."""
        return next((mark.topic_id for place, mark in self._marks.items() if place[0] == topic), "")

    def tries(self, place: Place, offset: int) -> Tries:
        """Return the earlier attempts of a message."""
        mark = self._marks.get(place)
        counts = mark.counts.get(offset) if mark else None
        if counts is None:
            return Tries()
        return Tries(failed=counts.failed, lost_workers=counts.ended)

    def suspects(self, place: Place, offset: int) -> bool:
        """Return whether a message must be tried alone."""
        mark = self._marks.get(place)
        return mark is not None and mark.suspects(offset, self._starts[place])

    async def alone(self, place: Place, offset: int, start: Callable[[Trial], None]) -> None:
        """Try a message alone: `start` begins it once the broker has the mark. Return when its
        trial is over.
        """
        async with self._turn:
            trial = Trial()
            await self._write(place, lambda mark: mark.trying(offset), clears=self._on_trial)
            self._on_trial = place
            start(trial)
            if await trial.ended():
                # A later end of the process is another message's fault. A message whose
                # trial did not end in time stays suspected.
                await self._write(place, lambda mark: mark.trying(None))
                self._on_trial = None

    async def failed(self, place: Place, offset: int, times: int) -> None:
        """Record the failures of a message; return when they survive this process."""
        await self._write(place, lambda mark: mark.failed(offset, times))

    async def _write(
        self,
        place: Place,
        change: Callable[[PartitionMark], PartitionMark],
        clears: Place | None = None,
    ) -> None:
        """Change the mark of an owned partition, and end the trial of another message."""
        with self._changing:
            mark = self._marks.get(place)
            if mark is None:
                return
            self._marks[place] = change(mark)
            changed = {place}
            if clears is not None and clears != place and clears in self._marks:
                self._marks[clears] = self._marks[clears].trying(None)
                changed.add(clears)
        if self.log is not None:
            await self.log.write_marks(changed)
