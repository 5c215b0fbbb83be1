"""What is written to the ledger and when: changes only, by the owner, never a lower sum."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping

import pytest

from core.kafka.producer import Outgoing
from schemas.alert_names import AlertName
from schemas.budget_entries import split_entry_key
from schemas.encoding.codec import Codec
from schemas.errors import TopicError, UndecodableError
from schemas.topics import BUDGETS, COST
from streams.budgets.budget_log import BudgetRecord, LogReader
from streams.budgets.ledger import (
    CompletenessMark,
    LedgerPage,
    encode_entry,
    mark_entry,
    read_entry,
)
from streams.journal.in_memory_log import Stored
from tests.unit.budgets.world import DAILY, FAQ, HOURLY, NOON, World

CODEC = Codec("BudgetEntry")
DAY_MS = 24 * 3_600_000


def _run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(story())


def _as_read(stored: Stored) -> BudgetRecord:
    return BudgetRecord(
        partition=stored.at.partition,
        offset=stored.at.offset,
        at=stored.at.timestamp,
        key=stored.record.key or b"",
        value=stored.record.value,
    )


def _sums(world: World, partition: int = 0) -> list[tuple[str, int, int]]:
    """Subject, known nano-USD and offset of each sum on a ledger partition, in order."""
    found = []
    for stored in world.log.of(BUDGETS, partition):
        if stored.record.value is not None:
            entry = read_entry(_as_read(stored), CODEC)
            if not isinstance(entry, CompletenessMark):
                found.append((entry.account.subject, entry.value.known, entry.offset))
    return found


async def _owned_by(world: World, name: str) -> None:
    world.owners = dict.fromkeys(range(world.partitions), name)


def test_the_owner_writes_what_changed_once_and_then_nothing() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for cost in (1, 2, 3):
            await world.charge(cost)
        await worker.read()
        await worker.keep()
        assert _sums(world) == [("acme", 6, 3)]
        before = len(world.log.of(BUDGETS, 0))
        for _ in range(3):
            await worker.keep()
        assert len(world.log.of(BUDGETS, 0)) == before

    _run(scenario)


def test_only_the_owner_of_a_partition_writes() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        bystander = await world.worker("w2")
        await world.charge(5)
        await bystander.read()
        await bystander.keep()
        assert not any(world.log.of(BUDGETS, number) for number in range(world.partitions))

    _run(scenario)


def test_nothing_is_written_before_the_ledger_was_read() -> None:
    async def scenario() -> None:
        world = World(batch=1)
        await _owned_by(world, "w1")
        first = await world.worker("w1")
        await first.keep()
        for user in ("a", "b", "c"):
            await world.charge(5, tenant=user)
        await first.read()
        await first.keep()
        written = len(world.log.of(BUDGETS, 0))

        successor = await world.worker("w1")
        await world.charge(7, tenant="a")
        await successor.read()
        await successor.keep()
        assert not successor.follower.is_settled
        assert len(world.log.of(BUDGETS, 0)) == written

    _run(scenario)


def test_of_two_sums_the_one_that_counts_further_counts() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for cost in (1, 2):
            await world.charge(cost)
            await worker.read()
            await worker.keep()
        (first, *_), records = _sums(world), world.log.of(BUDGETS, 0)
        assert first == ("acme", 1, 1)

        page = LedgerPage(CODEC, {DAILY.meter.id})
        for stored in (
            *records,
            next(each for each in records if b"acme" in (each.record.key or b"")),
        ):
            page.take(_as_read(stored))
        assert [each.value.known for each in page.sums(DAILY.meter.id)] == [3]

    _run(scenario)


def test_a_late_owner_s_lower_sum_is_written_over_again() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        late = await world.worker("w1")
        await late.keep()
        await world.charge(1)
        await late.read()
        await _owned_by(world, "w2")
        owner = await world.worker("w2")
        await owner.keep()
        await world.charge(2)
        await owner.read()
        await owner.keep()
        await late.follower.write()
        assert _sums(world)[-1] == ("acme", 1, 1)
        await owner.keep()
        assert _sums(world)[-1] == ("acme", 3, 2)

    _run(scenario)


def test_a_deleted_sum_of_an_open_window_is_written_again() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(9)
        await worker.read()
        await worker.keep()
        key = next(
            each.record.key
            for each in world.log.of(BUDGETS, 0)
            if b"acme" in (each.record.key or b"")
        )
        await world.log.publish(Outgoing(topic=BUDGETS, key=key, value=None, partition=0))
        await worker.keep()
        await worker.keep()
        world.topics.compact()
        world.topics.begin_at(COST, 0, 1)
        world.agrees(await world.worker("new"))

    _run(scenario)


def test_an_expired_window_gets_tombstones_and_is_dropped() -> None:
    async def scenario() -> None:
        world = World(budgets=[HOURLY, DAILY])
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(9, user_id="u1")
        await worker.read()
        await worker.keep()
        world.clock.advance(3 * 3_600_000)
        await world.charge(4, user_id="u1")
        await worker.read()
        for _ in range(3):
            await worker.keep()
        world.topics.compact()
        left = [
            split_entry_key(each.record.key or b"")
            for each in world.topics.between(BUDGETS, 0, 0)
            if each.record.value is not None
        ]
        hours = [start for budget, _, _, start, _ in left if budget == "hourly" and start]
        assert hours == [NOON + 3 * 3_600_000]
        assert worker.follower.books is not None
        assert len(worker.follower.books) == 2

    _run(scenario)


def test_a_successor_writes_the_tombstones_of_a_dead_owner() -> None:
    async def scenario() -> None:
        world = World(budgets=[HOURLY])
        await _owned_by(world, "w1")
        owner, bystander = await world.worker("w1"), await world.worker("w2")
        await owner.keep()
        await world.charge(9, user_id="u1")
        for worker in (owner, bystander):
            await worker.read()
            await worker.keep()
        world.clock.advance(3 * 3_600_000)
        await world.charge(4, user_id="u1")
        await bystander.read()
        for _ in range(3):
            await bystander.keep()
        await _owned_by(world, "w2")
        await bystander.keep()
        world.topics.compact()
        keys = [
            split_entry_key(stored.record.key or b"")
            for stored in world.topics.between(BUDGETS, 0, 0)
            if stored.record.value is not None
        ]
        assert [start for *_, start, _ in keys if start] == [NOON + 3 * 3_600_000]

    _run(scenario)


def test_a_window_longer_than_the_cost_topic_s_retention_has_exact_sums() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for cost in (400, 500):
            await world.charge(cost)
        await worker.read()
        await worker.keep()
        world.topics.begin_at(COST, 0, 2)
        await world.charge(50)
        newcomer = await world.worker("w2")
        world.agrees(newcomer)

    _run(scenario)


def test_marks_advance_without_charges_so_that_a_restart_reads_little() -> None:
    async def scenario() -> None:
        world = World(budgets=[FAQ])
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for _ in range(1_001):
            await world.charge(1)
        await worker.read()
        await worker.keep()
        entries = [read_entry(_as_read(each), CODEC) for each in world.log.of(BUDGETS, 0)]
        assert [each.offset for each in entries if isinstance(each, CompletenessMark)][-1] == 1_001

    _run(scenario)


def test_cells_are_written_once_the_broker_is_back() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(5)
        await worker.read()
        worker.publisher.left = 0
        await worker.keep()
        assert _sums(world) == []
        worker.publisher.left = None
        await worker.keep()
        assert _sums(world) == [("acme", 5, 1)]

    _run(scenario)


def test_a_worker_that_is_stopped_in_the_middle_of_writing_writes_the_rest_when_it_leaves() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(5)
        await worker.read()
        worker.publisher.hangs = True
        writing = asyncio.create_task(worker.follower.write())
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        worker.publisher.hangs = False
        await worker.follower.close()
        assert _sums(world) == [("acme", 5, 1)]

    _run(scenario)


def test_a_recreated_cost_topic_is_named_and_not_miscounted() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(5)
        await worker.read()
        await worker.keep()
        world.log.of(COST, 0).clear()
        with pytest.raises(TopicError, match="one of the topics was recreated"):
            await world.worker("w2")

    _run(scenario)


def test_a_new_budget_that_cannot_be_counted_is_alerted_and_the_worker_continues() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker("w1")
        raised: asyncio.Queue[AlertName] = asyncio.Queue()

        async def fire(rule: AlertName, subject: str, message: str) -> None:
            await raised.put(rule)

        async def recreated(topic: str) -> Mapping[int, tuple[int, int]]:
            raise TopicError(f"{topic} was recreated")

        world.alerts.fire = fire  # type: ignore[method-assign]
        world.topics.bounds = recreated  # type: ignore[method-assign]
        world.budgets.append(HOURLY)
        running = asyncio.create_task(worker.follower.run())
        async with asyncio.timeout(30):
            assert await raised.get() is AlertName.BUDGET_NOT_COUNTED
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    _run(scenario)


def test_a_worker_that_starts_during_counting_accepts_the_ledger() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        owner = await world.worker("w1")
        await owner.keep()
        opened = world.topics.open

        async def opened_late(topic: str, positions: Mapping[int, int], **how: bool) -> LogReader:
            if topic == BUDGETS and not how.get("follows", True):
                await world.charge(7)
                await owner.read()
                await owner.follower.write()
            return await opened(topic, positions, **how)

        await world.charge(5)
        await owner.read()
        await owner.keep()
        world.topics.open = opened_late  # type: ignore[method-assign]
        world.agrees(await world.worker("w2"))

    _run(scenario)


def test_garbage_on_either_topic_is_passed_over() -> None:
    async def scenario() -> None:
        world = World()
        await _owned_by(world, "w1")
        for topic, key in ((COST, b"k"), (BUDGETS, b"k"), (BUDGETS, b'["a","b","c",1,0]')):
            for value in (b"garbage", None):
                await world.log.publish(Outgoing(topic=topic, key=key, value=value, partition=0))
        worker = await world.worker("w1")
        await world.charge(5)
        await worker.read()
        await worker.keep()
        world.agrees(worker)
        assert _sums_after_garbage(world) == [5]

    def _sums_after_garbage(world: World) -> list[int]:
        found = []
        for stored in world.log.of(BUDGETS, 0)[4:]:
            entry = read_entry(_as_read(stored), CODEC)
            if not isinstance(entry, CompletenessMark):
                found.append(entry.value.known)
        return found

    _run(scenario)


@pytest.mark.parametrize("key", [b"", b"null", b"[1]", b'["a","b","c",null,0]', b'[1,2,3,4,"x"]'])
def test_a_key_that_is_not_of_the_ledger_is_an_error(key: bytes) -> None:
    with pytest.raises(UndecodableError, match="ledger"):
        split_entry_key(key)


def test_a_removed_budget_has_no_accounts_and_a_restored_one_is_complete() -> None:
    async def scenario() -> None:
        world = World(budgets=[DAILY, HOURLY])
        await _owned_by(world, "w1")
        worker = await world.worker("w1")
        await world.charge(5, user_id="u1")
        await worker.read()
        await worker.keep()
        world.budgets.remove(HOURLY)
        await worker.keep()
        assert worker.follower.books is not None
        assert len(worker.follower.books) == 1
        await world.charge(6, user_id="u1")
        await worker.read()
        world.budgets.append(HOURLY)
        await worker.keep()
        await worker.read()
        world.agrees(worker)

    _run(scenario)


def test_without_budgets_nothing_is_read_and_the_first_one_starts_it() -> None:
    async def scenario() -> None:
        world = World(budgets=[])
        worker = await world.worker("w1")
        await world.charge(5)
        assert await worker.follower.take_costs() == 0
        world.budgets.append(DAILY)
        await worker.keep()
        await worker.read()
        world.agrees(worker)
        world.budgets.clear()
        await worker.keep()
        await worker.read()
        await world.charge(5)
        assert await worker.follower.take_costs() == 0

    _run(scenario)


def test_an_entry_beyond_the_end_of_the_cost_topic_stops_no_worker() -> None:
    async def run() -> None:
        world = World()
        world.owners = {0: "w1"}
        first = await world.worker()
        await world.charge(50)
        await first.read()
        await first.keep()
        forged = mark_entry(DAILY.meter.id, 0, offset=2**40, read_to=0, worker="x", incarnation="x")
        await world.log.publish(
            Outgoing(topic=BUDGETS, key=b"forged", value=encode_entry(forged, CODEC), partition=0)
        )
        successor = await world.worker("w2")
        await successor.read()
        world.agrees(successor)

    asyncio.run(run())
