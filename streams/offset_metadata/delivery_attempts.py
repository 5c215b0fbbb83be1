"""How often each message was tried, over restarts and owners: kept with the committed offsets.

`PartitionMark` says what is kept and why. This is the state of one worker: the marks of its
partitions, and the turn of the messages that are tried alone. While one of them is tried, no other
suspect of this process is, and none that came behind it on its topic is opened. The trial of a
message is over when it is done, when it waits for something that may take long, or when its journal
counts for it.

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
"""A handler that takes longer waits for something; its message is not what ends processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPartition:
    """A partition as an assignment finds it: its log from `begin` to `end`, and what is committed,
    `None` where nothing is. `topic_id` is empty where the broker tells no ids.
    """

    topic_id: str
    begin: int
    end: int
    committed: int | None
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What is to be committed for a partition. `anew` says that the offset which was committed
    belongs to another log of that name.
    """

    offset: int
    metadata: str
    anew: bool = False


class MarkLog(Protocol):
    """Commits marks, each with the offset that is committed already."""

    async def write_marks(self, places: Collection[Place]) -> None:
        """Returns when the broker has the marks as they are now, or the partitions are gone."""
        ...


class Trial:
    """The time during which a message is tried alone."""

    __slots__ = ("_over",)

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def end(self) -> None:
        """What happens from now on is not counted against the message."""
        self._over.set()

    async def ended(self) -> bool:
        """Wait for its end, a bounded time; whether it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_TRIAL_S):
                await self._over.wait()
        return self._over.is_set()


class DeliveryAttempts:
    """The tries of one worker's messages; `holder` is its incarnation. Without a `log` of marks,
    nothing outlives the process.
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
        """These partitions are ours now; what is to be committed for each of them."""
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
        """Of a commit of this offset."""
        mark = self._marks.get(place)
        return "" if mark is None else mark.at(committed).encode()

    def give_up(self) -> None:
        """No partition is ours any more, by order; what the marks are then is yet to be written."""
        with self._changing:
            self._marks = {place: mark.given_up() for place, mark in self._marks.items()}

    def topic_id(self, topic: str) -> str:
        """The id of a topic when its partitions were assigned; empty where that is not known."""
        return next((mark.topic_id for place, mark in self._marks.items() if place[0] == topic), "")

    def tries(self, place: Place, offset: int) -> Tries:
        """What is known of earlier tries of a message."""
        mark = self._marks.get(place)
        counts = mark.counts.get(offset) if mark else None
        if counts is None:
            return Tries()
        return Tries(failed=counts.failed, lost_workers=counts.ended)

    def suspects(self, place: Place, offset: int) -> bool:
        """Whether a message must be tried alone."""
        mark = self._marks.get(place)
        return mark is not None and mark.suspects(offset, self._starts[place])

    async def alone(self, place: Place, offset: int, start: Callable[[Trial], None]) -> None:
        """Try a message alone: `start` begins with it once the broker knows of it. Returns when
        its trial is over.
        """
        async with self._turn:
            trial = Trial()
            await self._write(place, lambda mark: mark.trying(offset), clears=self._on_trial)
            self._on_trial = place
            start(trial)
            if await trial.ended():
                # What ends the process now is another message's fault. One whose trial has not
                # ended in time stays under suspicion.
                await self._write(place, lambda mark: mark.trying(None))
                self._on_trial = None

    async def failed(self, place: Place, offset: int, times: int) -> None:
        """A message failed so many times; returns when that outlives this process."""
        await self._write(place, lambda mark: mark.failed(offset, times))

    async def _write(
        self,
        place: Place,
        change: Callable[[PartitionMark], PartitionMark],
        clears: Place | None = None,
    ) -> None:
        """Change the mark of a partition that is still ours, and end the trial on another."""
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
