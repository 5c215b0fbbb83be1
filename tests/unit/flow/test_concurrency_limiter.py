"""Slots of a tier: bounded, priority first, ordinary messages not starved."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.flow.concurrency_limiter import AHEAD_IN_A_ROW, ConcurrencyLimiter, PriorityLimiter


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def _order(ahead: int, others: int) -> list[str]:
    """Who got the one slot, in order, with so many waiters in each queue."""
    order: list[str] = []

    async def scenario() -> None:
        slots = ConcurrencyLimiter(1)
        first = PriorityLimiter(slots)
        await slots.take()

        async def wait(line: ConcurrencyLimiter, name: str) -> None:
            await line.take()
            order.append(name)
            line.give_back()

        tasks = [asyncio.create_task(wait(slots, "other")) for _ in range(others)]
        tasks += [asyncio.create_task(wait(first, "ahead")) for _ in range(ahead)]
        await _settle()
        slots.give_back()
        await asyncio.gather(*tasks)
        assert slots.used == 0

    asyncio.run(scenario())
    return order


def test_a_priority_waiter_is_served_first_even_if_it_arrived_last() -> None:
    assert _order(ahead=3, others=3)[:3] == ["ahead"] * 3


def test_every_eighth_slot_is_for_ordinary_messages_while_both_wait() -> None:
    order = _order(ahead=20, others=3)
    assert order.index("other") == AHEAD_IN_A_ROW
    assert order[: 2 * (AHEAD_IN_A_ROW + 1)].count("other") == 2


def test_a_cancelled_waiter_leaves_the_queue_and_takes_no_slot() -> None:
    async def scenario() -> None:
        slots = ConcurrencyLimiter(1)
        await slots.take()
        gone = asyncio.create_task(slots.take())
        stays = asyncio.create_task(slots.take())
        await _settle()
        gone.cancel()
        slots.give_back()
        await stays
        assert gone.cancelled() or gone.done()
        assert slots.used == 1

    asyncio.run(scenario())


def test_a_waiter_cancelled_at_its_turn_passes_on_the_slot() -> None:
    async def scenario() -> None:
        slots = ConcurrencyLimiter(1)
        await slots.take()
        gone = asyncio.create_task(slots.take())
        stays = asyncio.create_task(slots.take())
        await _settle()
        slots.give_back()
        gone.cancel()
        await asyncio.wait_for(stays, 5)
        assert slots.used == 1

    asyncio.run(scenario())


@given(
    limit=st.integers(1, 4),
    steps=st.lists(st.sampled_from(["take", "ahead", "free", "cancel"]), max_size=60),
)
def test_the_limit_holds_and_no_slot_is_free_while_messages_wait(
    limit: int, steps: list[str]
) -> None:
    async def scenario() -> None:
        slots = ConcurrencyLimiter(limit)
        first = PriorityLimiter(slots)
        tasks: list[asyncio.Task[None]] = []
        held = 0
        for step in steps:
            if step == "free" and held:
                slots.give_back()
            elif step == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            elif step in {"take", "ahead"}:
                tasks.append(asyncio.create_task((first if step == "ahead" else slots).take()))
            await _settle()
            freed = steps.count("free")
            held = slots.used
            waiting = sum(not task.done() for task in tasks)
            assert 0 <= slots.used <= limit, freed
            assert not waiting or slots.used == limit
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())
