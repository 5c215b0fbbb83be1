"""From a stream of events to work in slots, and back to acknowledged offsets.

One `TopicDispatcher` a topic. A message gets a slot, then a task. When its task is done and the
broker has acknowledged every record that it caused, the partition's offset tracker releases what
is finished up to the first gap. Work belongs to the assignment under which it began: after a
rebalance the old trackers are gone, late acknowledgements have no effect, and the journal
recognizes what is delivered again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.kafka.incoming_message import Incoming
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.log_gaps import LogGaps
from streams.flow.offset_tracker import MAX_SPAN, AckTracker, Opening
from streams.offset_metadata.delivery_attempts import DeliveryAttempts, Trial
from streams.offset_metadata.retry_count import Tries

log = logging.getLogger(__name__)

Place = tuple[str, int]
"""A topic and a partition."""


class LeftForLaterError(Exception):
    """A handler leaves its message unacknowledged, for the next owner of the partition."""


class Acknowledged(Protocol):
    """An event of a stream, until its release."""

    def ack(self) -> Any:
        """Let its offset be committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A message in work: its slot's pool, whether its assignment is current, earlier attempts;
    `trial` if it is tried alone.
    """

    message: Incoming
    slots: ConcurrencyLimiter
    lane: PartitionState
    assignment: PartitionAssignment | None = None
    tries: Tries = field(default_factory=Tries)
    attempts: DeliveryAttempts | None = None
    trial: Trial | None = None

    def end_trial(self) -> None:
        """End the trial: what follows is counted elsewhere, or may take long."""
        if self.trial is not None:
            self.trial.end()

    async def note_failed(self) -> None:
        """Record a failed attempt; return when it survives this process."""
        self.tries.failed += 1
        if self.attempts is not None and not self.lost:
            message = self.message
            place = (message.topic, message.partition)
            await self.attempts.failed(place, message.offset, self.tries.failed)

    @property
    def lost(self) -> bool:
        """Return whether the partition was revoked since the message was opened."""
        return self.lane.lost

    @property
    def closing(self) -> bool:
        """Return whether the worker is shutting down."""
        return self.assignment is not None and self.assignment.closed


Handler = Callable[[Work], Awaitable[None]]
"""Handles a message; returns when every effect is acknowledged."""


class PartitionState:
    """One partition under one assignment."""

    def __init__(self, *, max_span: int = MAX_SPAN) -> None:
        self.tracker: AckTracker[Acknowledged] = AckTracker(max_span=max_span)
        self.lost = False
        self.roomy = asyncio.Event()
        self.roomy.set()

    def finish(self, offset: int) -> None:
        """Finish an offset, and acknowledge what that releases."""
        if self.lost:
            return
        for event in self.tracker.finish(offset):
            event.ack()
        if not self.tracker.full:
            self.roomy.set()


class PartitionAssignment:
    """The assigned partitions, with one state each; settled between two rebalances."""

    def __init__(self) -> None:
        self._lanes: dict[Place, PartitionState] = {}
        self._settled = asyncio.Event()
        self._generation: int | None = None
        self.closed = False

    def revoke(self) -> None:
        """Revoke all partitions; nothing is opened until the next assignment."""
        self._settled.clear()
        for lane in self._lanes.values():
            lane.lost = True
            lane.roomy.set()
        self._lanes = {}

    def assign(self, places: Collection[Place], generation: int | None = None) -> None:
        """Set the assigned partitions of this generation of the group."""
        self._generation = generation
        self._lanes = {place: PartitionState() for place in places}
        self._settled.set()

    def close(self) -> None:
        """Open no more messages; open ones may end."""
        self.closed = True
        self._settled.set()

    async def lane(self, place: Place, generation: int | None = None) -> PartitionState | None:
        """Return the state of a partition, once assignments are settled; `None` if it is not
        assigned.

        Also `None` for a message of another generation. It is read again if the partition is still
        assigned; acknowledging it would release everything before it.
        """
        await self._settled.wait()
        generations = {generation, self._generation} - {None}
        return None if self.closed or len(generations) > 1 else self._lanes.get(place)

    @property
    def is_settled(self) -> bool:
        """Return whether no rebalance is in progress."""
        return self._settled.is_set()

    def owned(self, topic: str) -> tuple[int, ...]:
        """Return the assigned partitions of a topic."""
        return tuple(sorted(partition for name, partition in self._lanes if name == topic))


class TopicDispatcher:
    """Dispatches the messages of one topic."""

    def __init__(
        self,
        assignment: PartitionAssignment,
        slots: ConcurrencyLimiter,
        handler: Handler,
        on_fatal: Callable[[BaseException], None],
        *,
        gaps: LogGaps | None = None,
        attempts: DeliveryAttempts | None = None,
    ) -> None:
        self._assignment = assignment
        self._attempts = attempts or DeliveryAttempts("")
        self._slots = slots
        self._handler = handler
        self._on_fatal = on_fatal
        self._gaps = gaps
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, message: Incoming, event: Acknowledged) -> None:
        """Open a message when it has a slot; return when its work has begun, or when its trial is
        over if it is tried alone.
        """
        place = (message.topic, message.partition)
        lane = await self._assignment.lane(place, message.generation)
        if lane is None:
            return
        if self._gaps is not None:
            self._gaps.took(place, message.offset)
        await lane.roomy.wait()
        await self._slots.take()
        if lane.lost or self._assignment.closed:
            self._slots.give_back()
            return
        opening = lane.tracker.open(message.offset, event)
        if opening is not Opening.NEW:
            self._slots.give_back()
            if opening is Opening.RELEASED:
                event.ack()
            return
        if lane.tracker.full:
            lane.roomy.clear()

        def start(trial: Trial | None = None) -> None:
            work = Work(
                message=message,
                slots=self._slots,
                lane=lane,
                assignment=self._assignment,
                tries=self._attempts.tries(place, message.offset),
                attempts=self._attempts,
                trial=trial,
            )
            task = asyncio.create_task(self._work(work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        if self._attempts.suspects(place, message.offset):
            await self._attempts.alone(place, message.offset, start)
        else:
            start()

    async def _work(self, work: Work) -> None:
        try:
            await self._handler(work)
            work.lane.finish(work.message.offset)
        except LeftForLaterError:
            log.debug("postponed a message of %s", work.message.topic)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker must stop for it
            self._on_fatal(error)
        finally:
            work.end_trial()
            self._slots.give_back()

    @property
    def slots(self) -> ConcurrencyLimiter:
        """Return the slots of the topic's messages."""
        return self._slots

    @property
    def in_flight(self) -> int:
        """Return the number of messages in work."""
        return len(self._tasks)

    def abandon(self) -> None:
        """Abandon all work: another process does it."""
        for task in self._tasks:
            task.cancel()

    async def drained(self) -> None:
        """Wait until no message is in work."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
