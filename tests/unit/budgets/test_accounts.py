"""Memory is bounded for any number of subjects, and no account is lost."""

from __future__ import annotations

import asyncio

from schemas.budget_entries import NO_EXPECTATION
from streams.budgets.accounts import MOST_ESTIMATES, AccountStore, CellSum
from streams.routing.budgets import Account
from tests.unit.budgets.world import HOURLY, World


def _account(number: int) -> Account:
    return Account("m/1", f"u{number}", 0)


def test_accounts_beyond_the_limit_are_spilled_to_disk_and_stay_correct() -> None:
    books = AccountStore(3, most=10)
    for turn in range(3):
        for number in range(100):
            books.charge(_account(number), number % 3, number + turn)

    assert books.in_memory == 10
    assert len(books) == 100
    assert all(books.spent(_account(number)).known == 3 * number + 3 for number in range(100))
    assert len(set(books.accounts())) == 100
    books.close()


def test_those_charged_lately_stay_in_memory() -> None:
    books = AccountStore(1, most=2)
    for number in (1, 2, 1, 3):
        books.charge(_account(number), 0, 1)
    books.drop([_account(2)])

    assert len(books) == 2
    assert books.in_memory == 2
    books.close()


def test_dropping_a_window_removes_spilled_accounts() -> None:
    books = AccountStore(1, most=2)
    for number in range(10):
        books.charge(_account(number), 0, 1)
    books.drop(books.of_window("m/1", 0))

    assert len(books) == 0
    assert books.spent(_account(0)).total == 0
    books.close()


def test_a_worker_with_few_accounts_in_memory_has_the_exact_sums() -> None:
    async def scenario() -> None:
        world = World(budgets=[HOURLY], most=3)
        world.owners = {0: "w1", 1: "w1", 2: "w1"}
        worker = await world.worker("w1")
        await worker.keep()
        for number in range(60):
            cost = None if number % 7 == 0 else number
            await world.charge(
                cost, user_id=f"u{number % 20}", partition=number % 3, expected_nano=5
            )
        await worker.read()
        await worker.keep()
        world.agrees(worker)
        world.topics.compact()
        newcomer = await world.worker("w2")
        world.agrees(newcomer)
        assert newcomer.follower.books is not None
        assert newcomer.follower.books.in_memory == 3
        for each in (worker, newcomer):
            await each.follower.close()

    asyncio.run(scenario())


def test_an_estimate_counts_once_until_it_is_retracted() -> None:
    books = AccountStore(1)
    for _ in range(2):
        books.estimate(_account(1), 0, "c1", 30)
    books.estimate(_account(1), 0, "c2", NO_EXPECTATION)
    assert books.cell(_account(1), 0) == CellSum(
        estimated=30, unpriced=1, estimates={"c1": 30, "c2": NO_EXPECTATION}
    )

    books.retract("m/1", "c1")
    books.retract("m/1", "c2")
    assert books.cell(_account(1), 0).is_nothing


def test_estimates_beyond_the_limit_stay_counted_and_cannot_be_retracted() -> None:
    books = AccountStore(1)
    for number in range(MOST_ESTIMATES + 5):
        books.estimate(_account(1), 0, f"c{number}", 1)
    books.retract("m/1", "c0")

    assert books.spent(_account(1)).estimated == MOST_ESTIMATES + 5
    assert len(books.cell(_account(1), 0).estimates) == MOST_ESTIMATES


def test_sums_saturate_at_64_bits() -> None:
    books = AccountStore(2)
    for partition in (0, 0, 1):
        books.charge(_account(1), partition, 2**62)
    books.set_cell(_account(2), 0, CellSum(known=2**63 - 1, estimated=5))
    books.charge(_account(2), 1, 2**63 - 1)

    assert books.spent(_account(1)).known == 2**63 - 1
    assert books.cell(_account(1), 1).known == 2**62
    assert books.spent(_account(2)).known == 2**63 - 1
    books.close()


def test_a_negative_cost_is_not_counted() -> None:
    async def run() -> None:
        world = World(budgets=[HOURLY])
        worker = await world.worker()
        await world.charge(50, user_id="u")
        await world.charge(-(2**40), user_id="u")
        await worker.read()
        books = worker.follower.books
        assert books is not None
        assert [books.spent(each).known for each in books.accounts()] == [50]

    asyncio.run(run())
