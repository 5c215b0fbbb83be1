"""An alert for each level of each account, once over all workers, and never a storm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from streams.budgets.budget_alerts import PER_MINUTE
from streams.routing.budgets import ALERT, USER, Budget, Meter
from tests.unit.budgets.world import PARTITIONS, World

PER_USER = Budget(meter=Meter(name="users", per=USER, window="day"), limit_nano=100, then=ALERT)


def _run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(story())


def _levels(world: World) -> list[str]:
    return [subject.rsplit(" ", 1)[1] for subject, _ in world.alerts.raised]


def _owned_by(world: World, name: str) -> None:
    world.owners = dict.fromkeys(range(world.partitions), name)


def test_each_level_is_raised_once_by_one_of_the_workers() -> None:
    async def scenario() -> None:
        world = World()
        world.owners = {0: "w1", 1: "w2", 2: "w3"}
        workers = [await world.worker(name) for name in ("w1", "w2", "w3")]
        for worker in workers:
            await worker.keep()
        for cost in (400, 150, 100, 200, 300, 50):
            await world.charge(cost, partition=cost % 3)
            for worker in workers:
                await worker.read()
                await worker.keep()
        assert _levels(world) == ["50%", "80%", "100%"]

    _run(scenario)


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_a_successor_does_not_repeat_alerts_in_the_ledger(partition: int) -> None:
    async def scenario() -> None:
        world = World()
        _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(600, partition=partition)
        await worker.read()
        await worker.keep()
        _owned_by(world, "w2")
        successor = await world.worker("w2")
        for _ in range(3):
            await successor.keep()
        assert _levels(world) == ["50%"]
        await world.charge(300)
        await successor.read()
        await successor.keep()
        assert _levels(world) == ["50%", "80%"]

    _run(scenario)


def test_a_successor_raises_the_pending_alerts_of_its_predecessor() -> None:
    async def scenario() -> None:
        world = World()
        await world.charge(900)
        _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        assert _levels(world) == ["50%", "80%"]

    _run(scenario)


def test_an_alert_names_subject_amount_and_consequence() -> None:
    async def scenario() -> None:
        world = World()
        _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        await world.charge(300)
        await world.charge(None, expected_nano=250)
        await world.charge(None)
        await worker.read()
        await worker.keep()
        ((subject, message),) = world.alerts.raised
        assert subject == "daily: acme, 2025-11-25, 50%"
        assert message.startswith("50% of budget daily is spent by tenant acme in 2025-11-25 UTC")
        assert "are estimated" in message
        assert "1 calls have no price" in message
        assert message.endswith("beyond the limit: reject")

    _run(scenario)


def test_the_next_window_is_alerted_again() -> None:
    async def scenario() -> None:
        world = World()
        _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for _ in range(2):
            await world.charge(500)
            await worker.read()
            await worker.keep()
            world.clock.advance(24 * 3_600_000)
        assert _levels(world) == ["50%", "50%"]

    _run(scenario)


def test_many_subjects_at_once_are_some_alerts_and_one_that_counts_the_rest() -> None:
    async def scenario() -> None:
        world = World(budgets=[PER_USER])
        _owned_by(world, "w1")
        worker = await world.worker("w1")
        await worker.keep()
        for number in range(500):
            await world.charge(60, user_id=f"u{number}", partition=number % 3)
        await worker.read()
        for _ in range(5):
            await worker.keep()
        assert len(world.alerts.raised) == PER_MINUTE
        world.clock.advance(60_000)
        for _ in range(5):
            await worker.keep()
        assert len(world.alerts.raised) == PER_MINUTE + 1
        assert f"{500 - PER_MINUTE} more levels of budget users" in world.alerts.raised[-1][1]

    _run(scenario)
