"""Delivery attempts over restarts and owners, with the log of marks in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from core.kafka.incoming_message import Incoming
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionAssignment, TopicDispatcher, Work
from streams.flow.handling_retries import HandlingFailure, bounded
from streams.offset_metadata import delivery_attempts
from streams.offset_metadata.delivery_attempts import DeliveryAttempts, FoundPartition, Place
from streams.offset_metadata.retry_count import MOST_LOST_WORKERS, MOST_TRIES

TOPIC = "requests"
PLACE = (TOPIC, 0)


class EndedError(BaseException):
    """The process has ended."""


@dataclass
class Broker:
    """One partition: its end, and what is committed of it."""

    end: int = 0
    topic_id: str = "one"
    committed: int | None = None
    metadata: str = ""
    attempts: DeliveryAttempts | None = None
    writes: int = 0

    def life(self, name: str) -> DeliveryAttempts:
        """A process that takes over the partition."""
        self.attempts = attempts = DeliveryAttempts(name, self)
        found = FoundPartition(
            topic_id=self.topic_id,
            begin=0,
            end=self.end,
            committed=self.committed,
            metadata=self.metadata,
        )
        commit = attempts.take_over({PLACE: found})[PLACE]
        self.committed, self.metadata = commit.offset, commit.metadata
        return attempts

    async def write_marks(self, places: Collection[Place]) -> None:
        self.writes += 1
        if self.attempts is not None and PLACE in places:
            self.metadata = self.attempts.metadata(PLACE, self.committed or 0)

    def leave(self) -> None:
        assert self.attempts is not None
        self.attempts.give_up()
        self.metadata = self.attempts.metadata(PLACE, self.committed or 0)


@dataclass
class Event:
    offset: int
    broker: Broker

    def ack(self) -> None:
        if self.broker.attempts is None:
            return
        self.broker.committed = self.offset + 1
        self.broker.metadata = self.broker.attempts.metadata(PLACE, self.offset + 1)


@dataclass
class Life:
    """What one process did with the messages that it read."""

    tried: list[int] = field(default_factory=list)
    given_up: list[tuple[int, HandlingFailure]] = field(default_factory=list)
    most_at_once: int = 0
    ended: bool = False


def _lived(broker: Broker, name: str, ends: Collection[int], fails: Collection[int] = ()) -> Life:
    """A process that reads to the end, or ends on one of these messages."""
    life = Life()

    async def handler(work: Work) -> None:
        offset = work.message.offset
        life.tried.append(offset)
        life.most_at_once = max(life.most_at_once, intake.in_flight)
        await asyncio.sleep(0)
        if offset in ends:
            life.ended = True
            # A process that has ended commits nothing.
            broker.attempts = None
            raise EndedError
        if offset in fails:
            raise ValueError

    async def give_up(work: Work, fault: HandlingFailure) -> None:
        life.given_up.append((work.message.offset, fault))

    async def pause(milliseconds: float) -> None:
        assignment.close()

    def fatal(error: BaseException) -> None:
        raise AssertionError(error)

    assignment = PartitionAssignment()
    assignment.assign([PLACE])
    handle = bounded(handler, give_up, sleep_ms=pause)
    intake = TopicDispatcher(
        assignment, ConcurrencyLimiter(64), handle, fatal, attempts=broker.life(name)
    )

    async def run() -> None:
        for offset in range(broker.committed or 0, broker.end):
            message = Incoming(
                topic=TOPIC, partition=0, offset=offset, timestamp=0, key=None, value=b""
            )
            await intake.take(message, Event(offset, broker))
            if life.ended:
                return
        await asyncio.gather(*intake._tasks, return_exceptions=True)

    asyncio.run(run())
    return life


def test_a_message_that_ends_each_process_is_abandoned_and_the_partition_continues() -> None:
    broker = Broker(end=6)
    lives = []
    for number in range(9):
        lives.append(_lived(broker, f"life-{number}", ends=[3]))
        if not lives[-1].ended:
            break
    assert sum(life.ended for life in lives) == MOST_TRIES
    (given_up,) = lives[-1].given_up
    assert given_up[0] == 3
    assert f"{MOST_LOST_WORKERS} workers ended" in given_up[1].reason
    assert 3 not in lives[-1].tried
    assert {*lives[-1].tried} >= {4, 5}
    assert broker.committed == 6


@pytest.mark.parametrize(("ends", "charged"), [(True, 0), (False, 1)])
def test_a_completed_trial_is_not_charged_with_a_later_crash(
    monkeypatch: pytest.MonkeyPatch, *, ends: bool, charged: int
) -> None:
    monkeypatch.setattr(delivery_attempts, "LONGEST_TRIAL_S", 0.0)
    broker = Broker(end=6)
    first = broker.life("one")
    asyncio.run(first.alone(PLACE, 2, lambda trial: trial.end() if ends else None))
    second = broker.life("two")
    assert second.tries(PLACE, 2).lost_workers == charged


def test_suspects_are_tried_one_at_a_time_and_later_messages_in_parallel() -> None:
    broker = Broker(end=5)
    _lived(broker, "a", ends=[0])
    broker.end = 5
    life = _lived(broker, "b", ends=[])
    assert life.most_at_once == 1
    broker.end = 50
    assert _lived(broker, "b", ends=[]).most_at_once > 1


def test_ordinary_messages_cause_no_extra_commit() -> None:
    broker = Broker(end=100)
    _lived(broker, "a", ends=[])
    assert (broker.writes, broker.committed) == (0, 100)


def test_failed_tries_count_over_restarts_in_order() -> None:
    broker = Broker(end=3)
    for number in range(MOST_TRIES - 1):
        life = _lived(broker, f"life-{number}", ends=[], fails=[1])
        assert (life.tried.count(1), life.given_up) == (1, [])
        broker.leave()
    life = _lived(broker, "last", ends=[], fails=[1])
    assert [offset for offset, _ in life.given_up] == [1]
    assert broker.committed == 3


def test_a_recreated_topic_is_read_from_its_beginning_whatever_its_length() -> None:
    for end in (3, 100, 200):
        broker = Broker(end=100, committed=None)
        broker.life("a")
        broker.committed = 100
        broker.metadata = broker.attempts.metadata(PLACE, 100) if broker.attempts else ""
        broker.topic_id, broker.end = "two", end
        attempts = broker.life("b")
        assert broker.committed == 0
        assert attempts.topic_id(TOPIC) == "two"
        assert not attempts.suspects(PLACE, 0)


def test_a_committed_offset_beyond_the_end_is_of_another_log_even_without_topic_ids() -> None:
    broker = Broker(end=3, topic_id="", committed=100)
    broker.life("a")
    assert broker.committed == 0
