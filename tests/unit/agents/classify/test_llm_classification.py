"""The llm classifier: its result routes, its call is booked, and on a failure the rules decide."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from schemas.encoding.avro_mapping import from_record
from schemas.encoding.codec import Codec
from schemas.records import TierMessage
from schemas.topics import ALERTS, COST, OUTCOMES, REQUESTS, tier_topic
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.agents.classify.handler import classify
from streams.agents.context.classification_cache import (
    FAILURES_TO_PAUSE,
    PAUSE_MS,
    ClassificationCache,
)
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from streams.routing import decision
from streams.routing.features.request_features import Features, extract_features
from streams.routing.llm.classification import LlmClassification
from tests.unit.agents.world import (
    REGISTRY,
    TIERS,
    CrashedError,
    Crashes,
    World,
    deliver,
)

ASKING = f"""{REGISTRY.rstrip()}
  classifier: llm
  llm: {{model: gpt-4o-mini, timeout_ms: 700}}
"""
KEEPING = f"{ASKING}privacy: {{store_prompts: true}}\n"
UNSURE = ASKING.replace("classifier: llm", "classifier: hybrid\n  hybrid: {asks: llm, margin: 1.0}")
HANGS = ProviderError(ErrorClass.TIMEOUT, "slow")


def classified(*prompts: str, answer: Any, registry: str = ASKING, **more: Any) -> World:
    """A world in which these requests were classified, the model answering the same to each."""
    world = World(script=lambda call, endpoint: answer, registry=registry)

    async def run() -> None:
        deps = await world.worker()
        for offset, prompt in enumerate(prompts):
            await classify(_work(world, prompt, offset, **more), deps)

    asyncio.run(run())
    return world


def _work(world: World, prompt: str, offset: int, **more: Any) -> Work:
    message = Incoming(
        topic=REQUESTS,
        partition=2,
        offset=offset,
        timestamp=world.clock.now(),
        key=None,
        value=orjson.dumps({"prompt": prompt, "request_id": f"r{offset}", **more}),
        headers=[],
    )
    return Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState())


def hops(world: World) -> list[TierMessage]:
    codec = Codec("TierMessage")
    return [
        from_record(TierMessage, codec.decode(value))
        for tier in TIERS
        for high in (True, False)
        for value in world.log.values(tier_topic(tier, high=high))
    ]


def inputs(hop: TierMessage) -> dict[str, Any]:
    return orjson.loads(hop.decision.inputs)["classify"]["opinion"]


CLASSIFIED = text_answer('{"tier": "complex", "score": 0.9, "reason": "a proof"}', input_tokens=100)


def test_the_model_s_classification_decides_and_is_recorded() -> None:
    (hop,) = hops(classified("Why?", answer=CLASSIFIED, registry=KEEPING))

    assert (hop.tier, hop.decision.score, hop.decision.classifier) == ("complex", 0.9, "llm")
    assert hop.decision.reasons == ("a model says complex: a proof",)
    assert inputs(hop)["tier"] == "complex"


@pytest.mark.parametrize("registry", [ASKING, UNSURE])
def test_the_features_of_a_request_are_extracted_once(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def counted(*arguments: Any, **more: Any) -> Features:
        seen.append(extract_features(*arguments, **more))
        return seen[-1]

    monkeypatch.setattr(decision, "extract_features", counted)
    (hop,) = hops(classified("Why?", answer=CLASSIFIED, registry=registry))

    assert inputs(hop)["tier"] == "complex"
    assert len(seen) == 1


def test_the_model_s_reason_is_recorded_only_if_prompts_are_kept() -> None:
    leaks = text_answer(
        '{"tier": "complex", "score": 0.9, "reason": "asks about ada@mail.example"}'
    )
    (hop,) = hops(classified("Why?", answer=leaks))
    assert hop.decision.reasons == ("a model says complex",)
    assert "reason" not in inputs(hop)
    (kept,) = hops(classified("Why?", answer=leaks, registry=KEEPING))
    assert inputs(kept)["reason"] == "asks about <email>"


def test_the_classifier_s_call_is_booked_and_part_of_the_request_s_cost() -> None:
    world = classified("Why?", answer=CLASSIFIED)
    (cost,) = world.events(COST, "CostEvent")
    (hop,) = hops(world)

    assert (cost["purpose"], cost["tier"], cost["hop"]) == ("classify", "simple", -1)
    assert cost["cost_nano"] == hop.attempts[0].cost_nano == 100 * 150 + 5 * 600
    (begun,) = world.events(OUTCOMES, "OutcomeEvent")
    assert (begun["kind"], begun["purpose"]) == ("started", "classify")


def test_the_request_is_served_after_its_classification_was_journaled() -> None:
    world = classified("Why?", answer=CLASSIFIED)
    world.script = lambda call, endpoint: text_answer("Because.")

    async def run() -> None:
        await deliver(world, await world.worker(), set())

    asyncio.run(run())
    (reply,) = world.replies()
    assert (reply["status"], reply["tier"]) == ("replied", "complex")
    spent = [event["cost_nano"] for event in world.events(COST, "CostEvent")]
    assert round(reply["cost_usd"] * 1e9) == sum(spent)


def test_the_rules_decide_if_the_classifier_model_times_out() -> None:
    (hop,) = hops(classified("What are your opening hours?", answer=HANGS))

    assert hop.tier == "simple"
    assert hop.decision.reasons[0] == "no opinion of a model (timeout), the rules decide"
    assert inputs(hop) == {"call": hop.attempts[0].call_id, "failed": "timeout"}


def test_the_classifier_s_call_has_the_timeout_of_the_policy() -> None:
    seen = []
    world = World(registry=ASKING)
    world.script = lambda call, endpoint: seen.append(call.timeouts.total) or CLASSIFIED

    async def run() -> None:
        await classify(_work(world, "Why?", 0), await world.worker())

    asyncio.run(run())
    assert seen == [0.7]


def test_the_rules_decide_if_the_classification_is_invalid() -> None:
    for text in ("", "moderate", '{"tier": "gigantic"}', '{"score": 0.3}', "[1]", '{"tier": 3}'):
        (hop,) = hops(classified("What are your opening hours?", answer=text_answer(text)))
        assert inputs(hop)["failed"] == "nonsense", text
        assert hop.tier == "simple"


def test_an_equal_question_is_classified_from_the_cache() -> None:
    world = classified("Why?", "Why?", answer=CLASSIFIED, registry=KEEPING)

    assert len(world.served) == 1
    first, second = hops(world)
    assert inputs(second) == {"tier": "complex", "score": 0.9, "reason": "a proof", "cached": True}
    assert (first.tier, second.attempts) == (second.tier, ())


def test_a_failed_classification_is_not_cached() -> None:
    assert len(classified("Why?", "Why?", answer=HANGS).served) == 2


def test_repeated_failures_pause_the_classifier_and_raise_an_alert() -> None:
    world = classified(*(f"Why {number}?" for number in range(9)), answer=HANGS)

    assert len(world.served) == FAILURES_TO_PAUSE
    assert inputs(hops(world)[-1]) == {"failed": "paused"}
    (alert,) = world.events(ALERTS, "Alert")
    assert alert["rule"] == "classifier_silent"


def test_the_classifier_is_called_again_after_the_pause() -> None:
    memory = ClassificationCache()
    for _ in range(FAILURES_TO_PAUSE):
        memory.keep("k", LlmClassification(failed="timeout"), 1_000)

    assert memory.paused(1_000 + PAUSE_MS - 1)
    assert not memory.paused(1_000 + PAUSE_MS)


def test_the_classification_cache_is_bounded_and_evicts_the_least_recently_used() -> None:
    memory = ClassificationCache(most=2)
    for key in ("a", "b"):
        memory.keep(key, LlmClassification(tier="simple"), 0)
    memory.recall("a")
    memory.keep("c", LlmClassification(tier="simple"), 0)

    assert memory.recall("a") is not None
    assert memory.recall("b") is None


def test_no_model_classifies_a_request_with_a_named_tier_or_model() -> None:
    assert classified("Why?", answer=CLASSIFIED, tier="moderate").served == []
    assert classified("Why?", answer=CLASSIFIED, model="gpt-4o").served == []


def test_hybrid_calls_the_classifier_only_near_a_boundary() -> None:
    assert len(classified("Why?", answer=CLASSIFIED, registry=UNSURE).served) == 1
    sure = UNSURE.replace("margin: 1.0", "margin: 0.0")
    assert classified("Hi", answer=CLASSIFIED, registry=sure).served == []


def test_a_classifier_call_cut_off_by_a_crash_is_booked_by_the_next_owner() -> None:
    world = World(script=lambda call, endpoint: CLASSIFIED, registry=ASKING)

    async def run() -> None:
        try:
            await classify(_work(world, "Why?", 0), await world.worker("w1", Crashes(at=2)))
        except CrashedError:
            world.clock.advance(60_000)
        survivor = await world.worker("w2")
        for partition, calls in survivor.kafka.journals.orphans().items():
            await book_interrupted(partition, calls, survivor.kafka)

    asyncio.run(run())
    (cost,) = world.events(COST, "CostEvent")
    assert (cost["status"], cost["purpose"], cost["cost_nano"]) == ("interrupted", "classify", None)
