"""How a worker reacts to topics that change, with its group in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError
from faust.exceptions import ConsumerNotStarted

from streams.membership.group_state import GroupStanding
from streams.membership.topic_ids import TopicShape
from streams.membership.topology_watch import (
    LONGEST_WAIT_S,
    LOOK_EVERY_S,
    REBALANCES,
    SILENT_AFTER_S,
    TopologyWatch,
)

REQUESTS, GATEWAY, TIER = "requests", "gateway", "tier"


@dataclass
class World:
    """A broker and a group of one or more workers, of which this worker is one."""

    there: dict[str, TopicShape] = field(
        default_factory=lambda: {
            REQUESTS: TopicShape(id="one", partitions=4),
            GATEWAY: TopicShape(id="gateway", partitions=4),
            TIER: TopicShape(id="tier", partitions=4),
        }
    )
    given: dict[str, frozenset[int]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    owned: tuple[int, ...] = (0, 1, 2, 3)
    gateway_owned: tuple[int, ...] = (0, 1, 2, 3)
    during_standing: Callable[[], None] = lambda: None
    members: int = 1
    rebalances: bool = False
    heeds: bool = True
    rejoined: int = 0
    now: float = 0.0
    refuses: Exception | None = None
    has_topic_ids: bool = True

    def __post_init__(self) -> None:
        self.give_out()

    def give_out(self) -> None:
        self.given = {name: frozenset(range(each.partitions)) for name, each in self.there.items()}
        self.ids = {name: each.id for name, each in self.there.items()}

    async def shapes(self, topics: Collection[str]) -> Mapping[str, TopicShape] | None:
        found = {name: each for name, each in self.there.items() if name in topics}
        return found if self.has_topic_ids else None

    async def standing(self) -> GroupStanding | None:
        self.during_standing()
        if self.refuses is not None:
            raise self.refuses
        if self.rebalances:
            return None
        return GroupStanding(members=self.members, given=self.given)

    async def rejoin(self) -> None:
        self.rejoined += 1
        if self.heeds:
            self.give_out()

    def watch(self) -> TopologyWatch:
        return TopologyWatch(
            lambda: self,
            topics=lambda: (REQUESTS, GATEWAY, TIER),
            request_topics=(REQUESTS, GATEWAY),
            callers_topics=(REQUESTS,),
            work_topics=(TIER,),
            topic_id=lambda name: self.ids.get(name, "") if self.owned else "",
            owned=lambda name: self.gateway_owned if name == GATEWAY else self.owned,
            elapsed_s=lambda: self.now,
        )


def _look(watch: TopologyWatch) -> None:
    asyncio.run(watch.look())


def test_a_worker_that_has_not_looked_is_not_ready() -> None:
    watch = World().watch()
    assert watch.fault is not None
    _look(watch)
    assert (watch.fault, watch.reads_requests) == (None, True)


def test_a_broker_that_does_not_answer_is_a_fault_until_it_does() -> None:
    world = World()
    watch = world.watch()
    _look(watch)
    world.now += SILENT_AFTER_S + 1
    assert watch.fault == f"Kafka has not responded for {SILENT_AFTER_S + 1:.0f} s"
    _look(watch)
    assert watch.fault is None


def test_observations_before_an_assignment_do_not_count_after_it() -> None:
    watch = World().watch()
    _look(watch)
    watch.assigned()
    assert watch.fault is not None
    assert not watch.reads_requests


def test_a_check_that_an_assignment_overtakes_does_not_count() -> None:
    world = World()
    watch = world.watch()
    world.during_standing = watch.assigned
    _look(watch)
    assert watch.fault is not None
    assert not watch.reads_requests


def test_added_partitions_are_a_fault_until_the_group_gave_them_out() -> None:
    world = World()
    watch = world.watch()
    world.there[REQUESTS] = TopicShape(id="one", partitions=6)
    _look(watch)
    assert watch.fault is not None
    assert "has 6 partitions, of which 4" in watch.fault
    assert watch.reads_requests
    assert world.rejoined == 1
    _look(watch)
    assert watch.fault is None
    assert world.rejoined == 1


def test_unassigned_partitions_of_any_topic_trigger_a_rebalance() -> None:
    world = World()
    world.given[TIER] = frozenset({0, 1, 2})
    watch = world.watch()
    _look(watch)
    assert world.rejoined == 1
    assert watch.fault is None


def test_a_topic_recreated_with_the_same_partitions_is_assigned_again() -> None:
    world = World()
    watch = world.watch()
    world.there[REQUESTS] = TopicShape(id="two", partitions=4)
    _look(watch)
    assert watch.fault is not None
    assert "was recreated" in watch.fault
    assert not watch.reads_requests
    assert world.rejoined == 1


def test_a_deleted_topic_is_a_fault_and_taken_up_when_it_is_there_again() -> None:
    world = World()
    watch = world.watch()
    del world.there[REQUESTS]
    _look(watch)
    assert watch.fault is not None
    assert "does not exist" in watch.fault
    assert not watch.reads_requests
    _look(watch)
    assert world.rejoined == 1, "what is gone can't be given out"
    world.there[REQUESTS] = TopicShape(id="two", partitions=2)
    _look(watch)
    assert world.rejoined == 2


def test_a_missing_work_topic_is_a_fault_that_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    watch = world.watch()
    del world.there[TIER]
    for _ in range(3):
        _look(watch)
    assert watch.fault == f"the topic {TIER} does not exist; create it: sluice topics create"
    assert watch.reads_requests
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        watch.fault
    ]
    world.there[TIER] = TopicShape(id="two", partitions=4)
    _look(watch)
    assert watch.fault is None


def test_no_rejoin_is_requested_while_the_group_rebalances() -> None:
    world = World(rebalances=True)
    watch = world.watch()
    world.there[REQUESTS] = TopicShape(id="one", partitions=6)
    _look(watch)
    assert world.rejoined == 0


@pytest.mark.parametrize("gateway_owned", [(), (0, 1)])
def test_a_worker_without_callers_partitions_in_a_group_that_rebalances_is_not_ready(
    gateway_owned: tuple[int, ...],
) -> None:
    watch = World(rebalances=True, owned=(), gateway_owned=gateway_owned).watch()
    _look(watch)
    assert watch.fault == REBALANCES
    assert not watch.reads_requests


def test_a_missing_topic_of_the_gateway_is_a_fault_and_callers_are_still_read() -> None:
    world = World()
    watch = world.watch()
    del world.there[GATEWAY]
    _look(watch)
    assert watch.fault is not None
    assert watch.reads_requests


def test_the_gateways_topic_does_not_make_up_for_a_missing_topic_of_callers() -> None:
    world = World()
    watch = world.watch()
    del world.there[REQUESTS]
    _look(watch)
    assert watch.fault is not None
    assert not watch.reads_requests


def test_a_lasting_fault_is_retried_with_growing_delays_and_a_new_change_at_once() -> None:
    world = World(heeds=False)
    watch = world.watch()
    world.there[REQUESTS] = TopicShape(id="one", partitions=6)
    tried = []
    for second in range(400):
        world.now = second * LOOK_EVERY_S
        before = world.rejoined
        _look(watch)
        if world.rejoined > before:
            tried.append(world.now)
    waits = [later - sooner for sooner, later in pairwise(tried)]
    assert waits == sorted(waits)
    assert waits[0] <= 2 * LOOK_EVERY_S
    assert waits[-1] == LONGEST_WAIT_S
    world.there[REQUESTS] = TopicShape(id="one", partitions=7)
    before = world.rejoined
    _look(watch)
    assert world.rejoined == before + 1


def test_a_surplus_worker_is_no_fault_and_an_omitted_one_is() -> None:
    world = World(owned=(), members=5)
    watch = world.watch()
    _look(watch)
    assert watch.fault is None
    world.members = 4
    _look(watch)
    assert watch.fault is not None
    assert not watch.reads_requests


def test_a_group_that_may_not_be_described_is_no_fault() -> None:
    world = World(refuses=GroupAuthorizationFailedError())
    watch = world.watch()
    _look(watch)
    assert watch.fault is None
    assert world.rejoined == 0


def test_a_broker_without_ids_is_no_fault() -> None:
    watch = World(has_topic_ids=False).watch()
    _look(watch)
    assert (watch.fault, watch.reads_requests) == (None, True)


@pytest.mark.parametrize(
    "error", [KafkaConnectionError(), ConsumerNotStarted(), AttributeError("_coordinator")]
)
def test_it_checks_at_once_after_an_assignment_and_continues_after_any_error(
    error: Exception,
) -> None:
    world = World(refuses=error)
    watch = world.watch()

    async def case() -> None:
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        world.refuses = None
        for _ in range(20):
            watch.assigned()
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(case())
    assert watch.fault is None
