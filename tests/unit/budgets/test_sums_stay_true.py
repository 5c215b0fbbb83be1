"""The sums stay exact under any interleaving, restart, rebalance, repetition or late write."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import HOUR_MS
from schemas.topics import COST
from tests.unit.budgets.world import DAILY, FAQ, HOURLY, PARTITIONS, Worker, World

NAMES = ("w1", "w2", "w3")

partitions = st.integers(0, PARTITIONS - 1)
names = st.sampled_from(NAMES)
costs = st.none() | st.integers(0, 200)

steps = st.one_of(
    st.tuples(
        st.just("call"),
        partitions,
        costs,
        st.sampled_from(["u1", "u2", None]),
        st.sampled_from(["faq", None]),
        st.sampled_from([None, 0, 7, 90]),
        st.integers(0, 120_000),
    ),
    st.tuples(st.just("again"), st.integers(0, 30), costs, st.integers(0, 120_000)),
    st.tuples(st.just("read"), names),
    st.tuples(st.just("read"), names),
    st.tuples(st.just("keep"), names),
    st.tuples(st.just("write"), names),
    st.tuples(st.just("restart"), names),
    st.tuples(st.just("own"), partitions, names),
    st.tuples(st.just("falter"), names, st.integers(0, 6)),
    st.tuples(
        st.just("late"), partitions, names, names, st.booleans(), st.booleans(), st.booleans()
    ),
    st.tuples(st.just("compact")),
    st.tuples(st.just("wait"), st.sampled_from([1_000, 600_000, 5_400_000, 50_000_000])),
    st.tuples(st.just("retire")),
    st.tuples(st.just("budget"), st.sampled_from([HOURLY, FAQ])),
)


class _Story:
    """A world of three workers, step by step."""

    def __init__(self, batch: int) -> None:
        self.world = World(batch=batch)
        self.workers: dict[str, Worker] = {}
        self.places: dict[str, int] = {}
        self.closed: set[str] = set()
        self.forgotten: set[str] = set()

    async def begin(self) -> None:
        self.world.owners = {number: NAMES[number % 3] for number in range(PARTITIONS)}
        for name in NAMES:
            self.workers[name] = await self.world.worker(name)

    async def call(
        self,
        partition: int,
        cost: int | None,
        user: str | None,
        feature: str | None,
        expected: int | None,
        ago: int,
    ) -> None:
        row = await self.world.charge(
            cost,
            partition=partition,
            user_id=user,
            feature=feature,
            expected_nano=expected,
            ended_ago=ago,
        )
        self.places[row.call_id] = partition

    async def again(self, which: int, cost: int | None, ago: int) -> None:
        """Another record of an earlier call: interrupted, or its real cost, which may be late.

        Not of a call that the log has removed and whose window the ledger has closed since: then no
        state can show that it is the same call.
        """
        since = self.world.clock.now() - HOUR_MS
        rows = [
            row
            for row in self.world.rows
            if row.call_id not in self.closed
            and (row.call_id not in self.forgotten or row.at >= since)
        ]
        if not rows:
            return
        row = rows[-1 - which % len(rows)]
        await self.world.charge(
            cost,
            partition=self.places[row.call_id],
            call_id=row.call_id,
            user_id=row.user_id,
            feature=row.feature,
            expected_nano=row.expected_nano,
            ended_ago=ago,
        )

    async def read(self, name: str) -> None:
        await self.workers[name].read()

    async def keep(self, name: str) -> None:
        await self.workers[name].keep()

    async def write(self, name: str) -> None:
        """Write without checking the ledger or the current owner: a late owner."""
        await self.workers[name].follower.write()

    async def restart(self, name: str) -> None:
        self.workers[name] = await self.world.worker(name)

    async def own(self, partition: int, name: str) -> None:
        self.world.owners[partition] = name

    async def falter(self, name: str, after: int) -> None:
        """A worker crashes in the middle of writing."""
        worker = self.workers[name]
        worker.publisher.left = after
        await worker.keep()
        await self.restart(name)

    async def late(
        self,
        partition: int,
        before: str,
        after: str,
        crashes: bool,
        is_noticed: bool,
        compacts: bool,
    ) -> None:
        """An owner that was paused overwrites its successor's sums; the successor crashes in the
        middle of writing, the late owner before it notices.
        """
        await self.own(partition, before)
        await self.workers[before].keep()
        await self.call(partition, 3, "u1", "faq", None, 0)
        await self.workers[before].read()
        await self.call(partition, 5, "u1", "faq", None, 0)
        await self.own(partition, after)
        await self.workers[after].keep()
        while not self.workers[after].follower.is_settled:
            await self.workers[after].read()
            await self.workers[after].keep()
        await self.workers[after].read()
        await self.workers[after].keep()
        self.workers[before].publisher.left = 1 if crashes else None
        await self.workers[before].follower.write()
        self.workers[before].publisher.left = None
        if crashes:
            await self.restart(before)
        if is_noticed:
            await self.workers[after].keep()
        if compacts:
            await self.compact()
        await self.restart(after)

    async def compact(self) -> None:
        self.world.topics.compact()

    async def wait(self, milliseconds: int) -> None:
        self.world.clock.advance(milliseconds)

    async def budget(self, budget: Any) -> None:
        if budget not in self.world.budgets:
            self.world.budgets.append(budget)

    async def settle(self) -> None:
        """Every worker reads, and writes the sums that it owns."""
        for worker in self.workers.values():
            await worker.keep()
            while not worker.follower.is_settled:
                await worker.read()
                await worker.keep()
            await worker.read()
            await worker.keep()

    async def retire(self) -> None:
        """Remove cost records that every worker has counted and every owner has written.

        Calls of known cost are complete by then: none is booked again after so long.
        """
        self.closed = {row.call_id for row in self.world.rows if row.cost_nano is not None}
        self.forgotten = {row.call_id for row in self.world.rows}
        await self.settle()
        for partition, (_, end) in (await self.world.topics.bounds(COST)).items():
            self.world.topics.begin_at(COST, partition, end)


async def _run_steps(steps: list[tuple[Any, ...]], batch: int) -> None:
    story = _Story(batch)
    await story.begin()
    retired = False
    for name, *values in steps:
        if name == "budget" and retired:
            continue
        retired = retired or name == "retire"
        await getattr(story, name)(*values)
    await story.settle()
    for worker in (*story.workers.values(), await story.world.worker("w4")):
        story.world.agrees(worker)
    await story.settle()
    story.world.topics.compact()
    story.world.agrees(await story.world.worker("w5"))


@settings(max_examples=400, deadline=None)
@given(st.lists(steps, max_size=40), st.sampled_from([1, 2, 1_000]))
def test_every_worker_and_every_new_worker_has_the_exact_sums(
    steps: list[tuple[Any, ...]], batch: int
) -> None:
    asyncio.run(_run_steps(steps, batch))


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=40), st.lists(steps, max_size=10))
def test_a_newcomer_is_right_at_any_moment(
    steps: list[tuple[Any, ...]], more: list[tuple[Any, ...]]
) -> None:
    async def scenario() -> None:
        story = _Story(batch=2)
        await story.begin()
        for name, *values in steps:
            if name != "retire":
                await getattr(story, name)(*values)
        story.world.topics.compact()
        for name, *values in more:
            if name not in {"retire", "budget"}:
                await getattr(story, name)(*values)
            story.world.agrees(await story.world.worker("new"))

    asyncio.run(scenario())


def test_the_reference_sum_of_this_test_is_correct() -> None:
    async def scenario() -> None:
        world = World(budgets=[DAILY])
        for cost in (10, 20):
            await world.charge(cost)
        (spent,) = world.reference_sums().values()
        assert spent.known == 30

    asyncio.run(scenario())
