"""The guarantees of design section 2 for a process that crashes at any step of a hop."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import COST, OUTCOMES
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.offset_metadata.retry_count import MOST_LOST_WORKERS
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from tests.unit.agents.world import REGISTRY, CrashedError, Crashes, World, deliver

ANSWERS = {
    "good": lambda: text_answer("Paris is the capital of France."),
    "empty": lambda: text_answer(""),
    "server": lambda: ProviderError(ErrorClass.SERVER, "boom", status=500),
    "timeout": lambda: ProviderError(ErrorClass.TIMEOUT, "slow"),
}


LONGEST_LEASE_MS = 120_000

ASKING = f"""{REGISTRY.rstrip()}
  judge: {{model: gpt-4o, timeout_ms: 1000}}
  shadow: {{share: 1.0, usd_per_day: 1000000}}
""".replace("cascade: {", "cascade: {grey: {low: 0.0, high: 1.0}, ")
"""A judge for every answer, and a shadow call behind every reply."""


async def live_through(
    crashes: list[tuple[int, bool]],
    names: list[str],
    answers: list[str],
    registry: str = REGISTRY,
) -> World:
    script = iter(answers)
    world = World(script=lambda call, endpoint: ANSWERS[next(script, "good")](), registry=registry)
    await world.send(world.request())
    acked: set[tuple[str, int]] = set()
    for (step, after_effect), name in zip(crashes, names, strict=True):
        deps = await world.worker(name, Crashes(at=step, after_effect=after_effect))
        try:
            await deliver(world, deps, acked)
        except CrashedError:
            world.clock.advance(50)
    last = await world.worker("w1")
    await deliver(world, last, acked)
    world.clock.advance(LONGEST_LEASE_MS)
    for partition, calls in last.kafka.journals.orphans().items():
        await book_interrupted(partition, calls, last.kafka)
    return world


@settings(max_examples=250, deadline=None)
@given(
    crashes=st.lists(st.tuples(st.integers(1, 14), st.booleans()), min_size=1, max_size=3),
    same_worker=st.booleans(),
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=6),
)
def test_nothing_is_lost_and_every_call_is_booked_once(
    crashes: list[tuple[int, bool]], same_worker: bool, answers: list[str]
) -> None:
    names = ["w1" if same_worker else f"w{number + 2}" for number in range(len(crashes))]
    _holds(asyncio.run(live_through(crashes, names, answers)))


@settings(max_examples=150, deadline=None)
@given(
    crashes=st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=3),
    same_worker=st.booleans(),
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=8),
)
def test_calls_of_judges_and_shadows_are_booked_as_well(
    crashes: list[tuple[int, bool]], same_worker: bool, answers: list[str]
) -> None:
    names = ["w1" if same_worker else f"w{number + 2}" for number in range(len(crashes))]
    _holds(asyncio.run(live_through(crashes, names, answers, ASKING)))


@settings(max_examples=150, deadline=None)
@given(
    crashes=st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=3),
    same_worker=st.booleans(),
    failures=st.integers(6, 40),
)
def test_crashes_during_an_outage_lose_nothing(
    crashes: list[tuple[int, bool]], same_worker: bool, failures: int
) -> None:
    names = ["w1" if same_worker else f"w{number + 2}" for number in range(len(crashes))]
    world = asyncio.run(live_through(crashes, names, ["server"] * failures))
    _holds(world)
    assert _errors(world) <= ({"internal_error"} if len(crashes) >= MOST_LOST_WORKERS else set())


def _errors(world: World) -> set[str]:
    """Codes of the replies that are not answers."""
    return {reply["error"]["code"] for reply in world.replies() if reply["error"]}


def _holds(world: World) -> None:
    assert world.replies(), "the sender never heard"
    outcomes = world.events(OUTCOMES, "OutcomeEvent")
    finals = [outcome for outcome in outcomes if outcome["final"]]
    assert finals, "the request never ended"

    started = [outcome["call_id"] for outcome in outcomes if outcome["kind"] == "started"]
    booked = Counter(event["call_id"] for event in world.events(COST, "CostEvent"))
    assert set(world.served) <= set(started), "a call was made that the journal does not know"
    assert set(booked) == set(started), "a call was started and never booked"
    assert set(booked.values()) == {1}, "a call was booked twice"


@settings(max_examples=60, deadline=None)
@given(step=st.integers(1, 10), after_effect=st.booleans())
def test_a_crash_costs_at_most_one_repeated_hop(step: int, after_effect: bool) -> None:
    world = asyncio.run(live_through([(step, after_effect)], ["w1"], []))
    assert len(world.served) <= 2
    finals = [event for event in world.events(OUTCOMES, "OutcomeEvent") if event["final"]]
    assert 1 <= len(finals) <= 1 + (len(world.served) - 1)
