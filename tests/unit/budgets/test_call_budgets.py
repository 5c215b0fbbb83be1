"""Before a call: the spend of all workers and the calls in flight, each counted once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from streams.budgets.call_budgets import NoBudgets
from streams.budgets.charges import charge_of
from streams.budgets.expected_costs import ORDINARY_INPUT_TOKENS, expected_by_price
from streams.budgets.reservations import FORGOTTEN_MS
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry
from streams.routing.budgets import MODEL, REJECT, Allowed, Budget, BudgetSubject, Meter, Rejected
from tests.unit.agents.world import REGISTRY
from tests.unit.budgets.world import FAQ, HOURLY, Worker, World

ACME = BudgetSubject(tenant="acme", user_id="u1", model="small")


def _run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(story())


def _may(worker: Worker, world: World, nano: int | None = 100, payer: BudgetSubject = ACME) -> bool:
    return isinstance(worker.budgets.verdict(payer, nano, world.clock.now()), Allowed)


def _total(worker: Worker, world: World) -> int:
    (balance,) = worker.budgets.verdict(ACME, 1, world.clock.now()).balances
    return balance.spent.total


def test_of_two_calls_that_need_the_rest_of_a_budget_one_is_allowed() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        await world.charge(850)
        await worker.read()
        assert _may(worker, world)
        worker.budgets.reserve("c1", ACME, 100)
        assert not _may(worker, world)

    _run(scenario)


def test_during_a_call_that_may_exhaust_the_budget_no_other_is_allowed() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        assert _may(worker, world, 10)
        worker.budgets.reserve("c1", ACME, 10, lambda: 300_000)
        assert not _may(worker, world, 10)
        worker.budgets.settle("c1", 12)
        assert _may(worker, world, 10)

    _run(scenario)


def test_a_call_counts_once_from_its_reservation_to_its_event_read_back() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        worker.budgets.reserve("c1", ACME, 100)
        assert _total(worker, world) == 100
        worker.budgets.settle("c1", 70)
        assert _total(worker, world) == 70
        await world.charge(70, call_id="c1")
        assert _total(worker, world) == 70
        await worker.read()
        assert _total(worker, world) == 70
        assert len(worker.reservations) == 0

    _run(scenario)


def test_an_event_that_is_read_before_the_call_is_settled_is_not_counted_twice() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        worker.budgets.reserve("c1", ACME, 100)
        await world.charge(70, call_id="c1")
        await worker.read()
        worker.budgets.settle("c1", 70)
        assert _total(worker, world) == 70

    _run(scenario)


def test_a_call_of_unknown_cost_counts_as_expected_and_is_marked() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        worker.budgets.reserve("c1", ACME, 100)
        worker.budgets.settle("c1", None)
        assert _total(worker, world) == 100
        await world.charge(None, call_id="c1", expected_nano=100)
        await worker.read()
        (balance,) = worker.budgets.verdict(ACME, 1, world.clock.now()).balances
        assert (balance.spent.known, balance.spent.estimated) == (0, 100)

    _run(scenario)


def test_a_cancelled_reservation_is_released() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        worker.budgets.reserve("c1", ACME, 100)
        worker.budgets.release("c1")
        assert _total(worker, world) == 0

    _run(scenario)


def test_spend_of_other_workers_counts_for_this_one() -> None:
    async def scenario() -> None:
        world = World()
        workers = [await world.worker(f"w{number}") for number in range(4)]
        await world.charge(950, partition=1)
        for worker in workers:
            await worker.read()
        assert not any(_may(worker, world) for worker in workers)

    _run(scenario)


def test_an_exhausted_budget_rejects_after_a_restart_until_the_next_window() -> None:
    async def scenario() -> None:
        world = World()
        await world.charge(1_000)
        newcomer = await world.worker()
        verdict = newcomer.budgets.verdict(ACME, 1, world.clock.now())
        assert isinstance(verdict, Rejected)
        world.clock.advance(verdict.until - world.clock.now())
        assert _may(newcomer, world)

    _run(scenario)


def test_the_overshoot_is_at_most_the_calls_in_flight() -> None:
    """Four workers, each with as many calls at once as it likes, all expected too cheap."""

    async def scenario() -> None:
        world = World()
        workers = [await world.worker(f"w{number}") for number in range(4)]
        flights: list[tuple[Worker, str]] = []
        number = most = 0
        for turn in range(200):
            worker = workers[turn % 4]
            await worker.read()
            if len([each for each in flights if each[0] is worker]) < 3 and _may(worker, world, 10):
                worker.budgets.reserve(f"c{number}", ACME, 10)
                flights.append((worker, f"c{number}"))
                number += 1
            most = max(most, len(flights))
            if turn % 3 == 2 and flights:
                caller, call_id = flights.pop(0)
                caller.budgets.settle(call_id, 30)
                await world.charge(30, call_id=call_id)
        for caller, call_id in flights:
            caller.budgets.settle(call_id, 30)
            await world.charge(30, call_id=call_id)
        await workers[0].read()
        spent = _total(workers[0], world)
        assert 1_000 - 30 <= spent <= 1_000 + 30 * most

    _run(scenario)


def test_a_reservation_without_an_event_expires_after_hours() -> None:
    async def scenario() -> None:
        world = World()
        world.owners = {0: "w1"}
        worker = await world.worker("w1")
        await worker.keep()
        worker.budgets.reserve("lost", ACME, 100)
        await worker.keep()
        assert len(worker.reservations) == 1
        world.clock.advance(FORGOTTEN_MS)
        await worker.keep()
        assert len(worker.reservations) == 0

    _run(scenario)


def test_a_budget_that_joins_binds_once_its_past_is_counted() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        await world.charge(500, user_id="u1")
        await worker.read()
        world.budgets.append(HOURLY)
        assert _may(worker, world, 1)
        await worker.follower.follow_budgets()
        await worker.read()
        assert not _may(worker, world, 1)

    _run(scenario)


def test_a_model_s_budget_applies_only_after_the_model_is_chosen() -> None:
    async def scenario() -> None:
        budget = Budget(meter=Meter(name="m", per=MODEL, window="day"), limit_nano=10, then=REJECT)
        world = World(budgets=[budget])
        worker = await world.worker()
        assert _may(worker, world, 100, BudgetSubject(tenant="acme"))
        assert not _may(worker, world, 100)

    _run(scenario)


def test_replays_are_not_charged_and_every_other_purpose_is() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        for purpose in ("answer", "classify", "judge", "shadow"):
            await world.charge(10, purpose=purpose)
        await world.charge(500, purpose="replay")
        await worker.read()
        assert _total(worker, world) == 40

    _run(scenario)


def test_no_call_ends_after_its_event_was_appended() -> None:
    event = {
        "purpose": "answer", "cost_nano": 1, "call_id": "c", "at": 2_000, "tenant": "a",
        "user_id": None, "user_tier": None, "feature": None, "request_model": "m",
    }  # fmt: skip
    charge = charge_of(event, partition=0, offset=0, appended_at=1_000)

    assert charge is not None
    assert charge.at == 1_000


def test_without_an_expected_cost_an_unknown_cost_counts_as_a_default_call() -> None:
    models = parse_registry(REGISTRY).snapshot.models
    estimate = expected_by_price(lambda: models, PriceBook())

    assert estimate({"request_model": "gpt-4o"}) == ORDINARY_INPUT_TOKENS * 2_500 + 300 * 10_000
    assert estimate({"request_model": "gpt-4o", "input_tokens": 10}) == 10 * 2_500 + 300 * 10_000
    assert estimate({"request_model": "gone"}) is None


def test_a_call_without_an_estimate_is_reported_and_not_free() -> None:
    async def scenario() -> None:
        world = World()
        worker = await world.worker()
        await world.charge(None)
        await worker.read()
        (balance,) = worker.budgets.verdict(ACME, 1, world.clock.now()).balances
        assert (balance.spent.total, balance.spent.unpriced) == (0, 1)

    _run(scenario)


def test_where_there_are_no_budgets_everything_passes() -> None:
    none = NoBudgets()
    none.reserve("c", ACME, 1)
    none.settle("c", 1)
    none.release("c")

    assert none.verdict(ACME, None, 0).step(0, "m") is None


def test_the_maximum_cost_of_a_call_is_computed_only_if_a_budget_applies() -> None:
    async def scenario() -> None:
        computed: list[str] = []
        for name, budgets in (("none", []), ("other", [FAQ]), ("mine", [HOURLY])):
            worker = await World(budgets=budgets).worker()
            worker.budgets.reserve("c1", ACME, 10, partial(_noted, computed, name))
        assert computed == ["mine"]

    _run(scenario)


def _noted(computed: list[str], name: str) -> int:
    computed.append(name)
    return 300_000
