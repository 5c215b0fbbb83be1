"""Models called for a replay: within its budget, booked as `replay`, judged if possible."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from infra.replays.executed import FirstBodies, as_document
from infra.replays.executing import ExecutedReplay, Executor, NoPriceError, Task
from schemas.events import CostEvent
from streams.providers.in_memory_provider import ScriptedProvider, text_answer
from streams.providers.port import ErrorClass, ProviderError
from streams.providers.pricing.booked_usage import UNBILLED
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import parse_registry
from tests.unit.agents.world import REGISTRY

JUDGED = f"{REGISTRY.rstrip()}\n  judge: {{model: gpt-4o-mini, timeout_ms: 700}}\n"
BODY = {"messages": [{"role": "user", "content": "capital?"}]}


def executed(
    count: int = 5,
    *,
    registry: str = REGISTRY,
    max_nano: int = 10**9,
    answer: Any = None,
    body: dict[str, Any] = BODY,
) -> tuple[ExecutedReplay, list[CostEvent], list[float], ScriptedProvider]:
    def script(call: Any, endpoint: Any) -> Any:
        if "judge answers" in str(call.body):
            return text_answer('{"score": 0.75}')
        if isinstance(answer, Exception) and not isinstance(answer, ProviderError):
            raise answer
        return answer or text_answer("Paris.", input_tokens=10, output_tokens=20)

    booked: list[CostEvent] = []
    scores: list[float] = []
    provider = ScriptedProvider(script)
    executor = Executor(
        snapshot=parse_registry(registry).snapshot,
        providers={"scripted": provider},
        pricing=PriceBook(),
        max_nano=max_nano,
        book=booked.append,
        judged=lambda task, call_id, score: scores.append(score),
        now_ms=lambda: 7,
    )
    tasks = [
        Task(tenant="t", request_id=f"r{n}", body=body, model="gpt-4o", was_score=0.5)
        for n in range(count)
    ]
    found = asyncio.run(executor.run(tasks, lambda: None))
    return found, booked, scores, provider


def test_every_call_is_booked_as_a_replay_with_its_cost() -> None:
    found, booked, _, _ = executed()

    assert (found.calls, found.answered) == (5, 5)
    assert {event.purpose for event in booked} == {"replay"}
    assert sum(event.cost_nano or 0 for event in booked) == found.spent_nano
    assert found.spent_nano == 5 * (10 * 2_500 + 20 * 10_000)
    assert len({event.call_id for event in booked}) == 5


def test_no_call_is_made_beyond_the_remaining_budget() -> None:
    found, _, _, provider = executed(40, max_nano=5_000_000)

    assert 0 < found.calls < 40
    assert found.calls + found.not_asked == 40
    assert len(provider.calls) == found.calls
    assert found.spent_nano <= 5_000_000
    assert executed(3, max_nano=1)[0] == ExecutedReplay(not_asked=3)


def test_answers_are_judged_and_compared_with_the_original_ones() -> None:
    found, booked, scores, _ = executed(registry=JUDGED)

    assert scores == [0.75] * 5
    assert len(booked) == 10
    document = as_document(found, judged=True)
    assert (document["was_score"], document["score"], document["gain"]) == (0.5, 0.75, 0.25)


def test_a_failed_call_is_booked_by_its_class_and_its_unknown_cost_held_against_the_budget() -> (
    None
):
    found, booked, _, _ = executed(answer=ProviderError(ErrorClass.TIMEOUT, "slow"))

    assert found.failed == {"timeout": 5}
    assert {event.cost_nano for event in booked} == {None}
    assert found.unknown_cost == 5
    assert found.spent_nano > 0


def test_an_adapter_that_breaks_its_port_is_booked_and_the_others_are_called() -> None:
    found, booked, _, _ = executed(answer=ValueError("a defect"))

    assert found.failed == {"adapter_fault": 5}
    assert {event.status for event in booked} == {"adapter_fault"}


def test_a_call_is_the_one_that_a_worker_makes() -> None:
    registry = REGISTRY.replace(
        "tier: moderate,", "tier: moderate, max_output: 100, unsupported: [seed],"
    )
    _, _, _, provider = executed(1, registry=registry, body={**BODY, "max_tokens": 5000})

    (call,) = provider.calls
    assert (call.max_output_tokens, call.unsupported) == (100, {"seed"})


def test_a_call_that_was_not_sent_cost_nothing() -> None:
    found, booked, _, _ = executed(answer=ProviderError(ErrorClass.AUTH, "no key", sent=False))

    assert {(event.cost_nano, event.price_source) for event in booked} == {(0, UNBILLED)}
    assert (found.unknown_cost, found.spent_nano) == (0, 0)


def test_a_model_without_a_price_is_refused_before_any_call() -> None:
    unpriced = REGISTRY.replace("price: {input: 2.5, output: 10},", "model: nobody-knows,")
    with pytest.raises(NoPriceError, match=r"models\.gpt-4o\.price"):
        executed(registry=unpriced)


@pytest.mark.parametrize("seed", range(5))
def test_bodies_that_are_drawn_first_are_kept_as_far_as_they_fit(seed: int) -> None:
    places = [("t", 0, offset) for offset in range(40)]
    random.Random(seed).shuffle(places)
    bodies = FirstBodies(places, most_bytes=1_000)
    for offset in range(60):
        place = ("t", 0, offset)
        if bodies.wants(place):
            bodies.put(place, BODY, 90)

    assert set(bodies.found) == set(places[:11])


def test_a_body_above_the_buffer_limit_is_kept_alone() -> None:
    bodies = FirstBodies([("t", 0, 1)], most_bytes=10)
    bodies.put(("t", 0, 1), BODY, 5_000_000)

    assert list(bodies.found) == [("t", 0, 1)]
