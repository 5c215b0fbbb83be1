"""From events to acknowledged offsets: bounded, in order, never for a lost partition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from core.kafka.incoming_message import Incoming
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import Handler, PartitionAssignment, TopicDispatcher, Work

TOPIC = "work"
PLACE = (TOPIC, 0)


@dataclass
class Event:
    """An event that records its release."""

    offset: int
    released: list[int]

    def ack(self) -> None:
        self.released.append(self.offset)


@dataclass
class Desk:
    """A handler whose work ends when the test ends it."""

    open: dict[int, asyncio.Event] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    works: dict[int, Work] = field(default_factory=dict)

    async def __call__(self, work: Work) -> None:
        offset = work.message.offset
        self.begun.append(offset)
        self.works[offset] = work
        ended = self.open.setdefault(offset, asyncio.Event())
        await ended.wait()

    async def end(self, *offsets: int) -> None:
        for offset in offsets:
            self.open.setdefault(offset, asyncio.Event()).set()
        await _turns()


def _message(offset: int, partition: int = 0, generation: int | None = None) -> Incoming:
    return Incoming(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        timestamp=0,
        key=None,
        value=b"",
        generation=generation,
    )


async def _turns() -> None:
    """Run the event loop until nothing can progress."""
    for _ in range(20):
        await asyncio.sleep(0)


def _fatal(error: BaseException) -> None:
    raise AssertionError(error)


def _run(case: Callable[[PartitionAssignment, Desk, list[int]], Awaitable[None]]) -> None:
    async def scenario() -> None:
        assignment = PartitionAssignment()
        assignment.assign([PLACE])
        await case(assignment, Desk(), [])

    asyncio.run(scenario())


def _intake(assignment: PartitionAssignment, handler: Handler, slots: int = 8) -> TopicDispatcher:
    return TopicDispatcher(assignment, ConcurrencyLimiter(slots), handler, _fatal)


def test_offsets_are_released_in_order_whatever_ends_first() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        for offset in range(3):
            await intake.take(_message(offset), Event(offset, released))
        await desk.end(2, 1)
        assert released == []
        await desk.end(0)
        assert released == [0, 1, 2]

    _run(case)


def test_no_more_than_the_slots_are_in_work() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk, slots=2)

        async def all_of_them() -> None:
            for offset in range(4):
                await intake.take(_message(offset), Event(offset, released))

        taking = asyncio.create_task(all_of_them())
        await _turns()
        assert desk.begun == [0, 1]
        await desk.end(0)
        assert desk.begun == [0, 1, 2]
        await desk.end(1, 2, 3)
        await taking
        await intake.drained()
        assert released == [0, 1, 2, 3]

    _run(case)


def test_a_slow_tier_blocks_no_other() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        slow, fast = _intake(assignment, desk, slots=1), _intake(assignment, Desk(), slots=1)
        await slow.take(_message(0), Event(0, released))
        waiting = asyncio.create_task(slow.take(_message(1), Event(1, released)))
        quick = Desk()
        fast = _intake(assignment, quick, slots=1)
        await fast.take(_message(5), Event(5, []))
        await _turns()
        assert quick.begun == [5]
        await desk.end(0, 1)
        await waiting

    _run(case)


def test_work_of_a_lost_partition_releases_nothing() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        await intake.take(_message(0), Event(0, released))
        await _turns()
        assignment.revoke()
        assignment.assign([PLACE])
        assert desk.works[0].lost
        await desk.end(0)
        assert released == []

    _run(case)


def test_an_event_waits_for_the_assignment_and_a_foreign_one_is_ignored() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        assignment.revoke()
        taking = asyncio.create_task(intake.take(_message(0, partition=7), Event(0, released)))
        await _turns()
        assert not taking.done()
        assignment.assign([PLACE])
        await taking
        assert desk.begun == []

    _run(case)


def test_a_redelivered_event_is_not_handled_again() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        await intake.take(_message(0), Event(0, released))
        await intake.take(_message(0), Event(0, released))
        await _turns()
        assert desk.begun == [0]
        await desk.end(0)
        await intake.take(_message(0), Event(0, released))
        assert released == [0, 0]

    _run(case)


def test_a_handler_that_fails_stops_the_worker_and_releases_nothing() -> None:
    async def scenario() -> None:
        assignment, fatal, released = PartitionAssignment(), [], []
        assignment.assign([PLACE])

        async def breaks(_: Work) -> None:
            raise RuntimeError("a defect")

        intake = TopicDispatcher(assignment, ConcurrencyLimiter(1), breaks, fatal.append)
        await intake.take(_message(0), Event(0, released))
        await intake.drained()

        assert [str(error) for error in fatal] == ["a defect"]
        assert released == []

    asyncio.run(scenario())


def test_nothing_is_opened_once_closed() -> None:
    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        assignment.close()
        await intake.take(_message(0), Event(0, released))
        assert desk.begun == []

    _run(case)


def test_a_lent_slot_serves_another_meanwhile() -> None:
    async def scenario() -> None:
        slots = ConcurrencyLimiter(1)
        await slots.take()
        async with slots.lent():
            await slots.take()
            assert slots.used == 1
            slots.give_back()
        assert slots.used == 1

    asyncio.run(scenario())


def test_a_tier_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ConcurrencyLimiter(0)


def test_a_message_of_an_earlier_generation_is_not_opened_among_those_of_the_next() -> None:
    """The topic may have been recreated under the same name, with offset 0 next."""

    async def case(assignment: PartitionAssignment, desk: Desk, released: list[int]) -> None:
        intake = _intake(assignment, desk)
        assignment.assign([PLACE], 1)
        assignment.revoke()
        waiting = asyncio.create_task(intake.take(_message(9, generation=1), Event(9, released)))
        await _turns()
        assignment.assign([PLACE], 2)
        await waiting
        for offset in range(2):
            await intake.take(_message(offset, generation=2), Event(offset, released))
        await _turns()
        assert desk.begun == [0, 1]
        await desk.end(0, 1)
        assert released == [0, 1]

    _run(case)
