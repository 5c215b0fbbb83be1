import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from core.kafka.incoming_message import Incoming
from schemas.records import Failure
from schemas.topics import COST, OUTCOMES, QUALITY, REPLIES, dead_letter_topic, tier_topic
from streams.agents.execute.handler import execute
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from tests.unit.agents.world import World, deliver


def answered(world: World, *messages) -> World:  # type: ignore[no-untyped-def]
    async def run() -> None:
        for message in messages or (world.request(),):
            await world.send(message)
        await deliver(world, await world.worker(), set())

    asyncio.run(run())
    return world


def scripted(*answers) -> World:  # type: ignore[no-untyped-def]
    """A world whose provider returns these answers in turn; the last one repeatedly."""
    left = list(answers)
    return World(script=lambda call, endpoint: left.pop(0) if len(left) > 1 else left[0])


def failing(
    kind: ErrorClass, status: int | None = 500, after: float | None = None
) -> ProviderError:
    return ProviderError(kind, "no", status=status, retry_after_s=after)


def kinds(world: World) -> list[str]:
    return [event["kind"] for event in world.events(OUTCOMES, "OutcomeEvent")]


def statuses(world: World) -> list[str]:
    return [event["status"] for event in world.events(COST, "CostEvent")]


def test_a_good_answer_is_replied_with_its_cost_and_its_baseline() -> None:
    world = answered(scripted(text_answer("Paris.", input_tokens=1000, output_tokens=100)))
    (reply,) = world.replies()
    assert reply["status"] == "replied"
    assert reply["message"] == {"role": "assistant", "content": "Paris."}
    assert reply["cost_usd"] == 0.00021
    assert reply["baseline_cost_usd"] == 0.0035
    assert reply["tiers_tried"] == ["simple"]
    assert kinds(world) == ["started", "replied"]
    (quality,) = world.events(QUALITY, "QualityEvent")
    assert (quality["score"], quality["passed"]) == (0.9, True)


@pytest.mark.parametrize(("asked", "found"), [(True, {"content": []}), (None, None)])
def test_log_probabilities_go_to_a_caller_that_asked_for_them(asked: bool, found: Any) -> None:
    """The cascade may ask for them too."""
    answer = replace(text_answer("Paris."), token_logprobs='{"content":[]}', stop_sequence="END")
    world = scripted(answer)
    body = orjson.loads(world.request().body)
    if asked:
        body["logprobs"] = True
    answered(world, replace(world.request(), body=orjson.dumps(body)))
    (reply,) = world.replies()
    assert (reply["logprobs"], reply["stop_sequence"]) == (found, "END")


def test_a_low_confidence_answer_escalates_with_its_calls_and_cost() -> None:
    world = answered(scripted(text_answer("", output_tokens=1), text_answer("A full answer.")))
    (reply,) = world.replies()
    assert (reply["tier"], reply["model"]) == ("moderate", "gpt-4o")
    assert reply["tiers_tried"] == ["simple", "moderate"]
    assert kinds(world) == ["started", "escalated", "started", "replied"]
    outcome = world.events(OUTCOMES, "OutcomeEvent")[-1]
    assert outcome["result"]["calls"] == 2
    costs = [event["cost_nano"] for event in world.events(COST, "CostEvent")]
    assert outcome["result"]["cost_nano"] == sum(costs)


def test_a_low_confidence_answer_of_the_last_tier_is_sent_undegraded() -> None:
    world = answered(
        scripted(text_answer("I'm not sure, perhaps it could be Paris, possibly Lyon."))
    )
    (reply,) = world.replies()
    assert reply["status"] == "replied"
    assert reply["tiers_tried"] == ["simple", "moderate", "complex"]
    assert reply["degraded"] is False


def test_a_last_answer_that_fails_a_check_is_degraded_and_the_reply_names_the_check() -> None:
    world = answered(scripted(text_answer("", output_tokens=1)))
    (reply,) = world.replies()
    assert (reply["status"], reply["tier"], reply["confidence"]) == ("replied", "complex", 0.0)
    assert reply["degraded"] is True
    assert reply["routing"]["reasons"][-1] == (
        "the answer failed a check: empty: nothing was answered"
    )
    outcome = world.events(OUTCOMES, "OutcomeEvent")[-1]
    assert outcome["result"]["degraded"] is True


def test_a_better_answer_of_an_earlier_tier_is_sent_undegraded() -> None:
    unsure = text_answer("I'm not sure, perhaps it could be Paris, possibly Lyon.")
    world = answered(scripted(unsure, text_answer("", output_tokens=1)))
    (reply,) = world.replies()
    assert (reply["tier"], reply["degraded"]) == ("simple", False)
    assert not any("failed a check" in reason for reason in reply["routing"]["reasons"])


def test_a_server_error_is_retried_once_then_on_another_instance_then_on_the_next_tier() -> None:
    error = failing(ErrorClass.SERVER)
    world = answered(scripted(error, error, error, error, text_answer("It is 42.")))
    assert statuses(world) == ["server"] * 4 + ["ok"]
    (reply,) = world.replies()
    assert reply["tier"] == "moderate"
    instances = [event["instance"] for event in world.events(COST, "CostEvent")]
    assert instances[0] == instances[1] != instances[2]
    assert [event["cost_nano"] for event in world.events(COST, "CostEvent")][:4] == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", [ErrorClass.AUTH, ErrorClass.CONTEXT_LENGTH])
def test_an_error_that_a_retry_can_t_mend_is_not_retried_on_the_same_instance(
    kind: ErrorClass,
) -> None:
    world = answered(scripted(failing(kind, 400), text_answer("It is 42.")))
    called = [(e["request_model"], e["instance"]) for e in world.events(COST, "CostEvent")]
    assert called[0] != called[1]


@pytest.mark.parametrize(
    ("kind", "calls"), [(ErrorClass.INVALID_REQUEST, 1), (ErrorClass.BAD_REQUEST, 2)]
)
def test_a_refused_request_is_tried_on_one_other_model_unless_the_request_is_at_fault(
    kind: ErrorClass, calls: int
) -> None:
    world = answered(scripted(failing(kind, 400)))
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("failed", "invalid_request")
    assert reply["error"]["retryable"] is False
    models = {event["request_model"] for event in world.events(COST, "CostEvent")}
    assert len(models) == len(world.served) == calls


@pytest.mark.parametrize(
    ("parameter", "ending"),
    [
        ("messages[0].content", "; named: messages"),
        ("messages", "; named: messages"),
        ("Ignore.all", ""),
        (None, ""),
    ],
)
def test_a_refused_request_names_the_caller_s_field_and_no_text_of_the_provider(
    parameter: str | None, ending: str
) -> None:
    error = ProviderError(ErrorClass.INVALID_REQUEST, "no", status=400, parameter=parameter)
    (reply,) = answered(scripted(error)).replies()
    assert reply["error"]["message"] == f"every called provider rejected the request{ending}"


def test_the_best_answer_seen_is_given_when_a_higher_tier_fails() -> None:
    hedging = text_answer("Perhaps it is Paris, I'm not sure, it could be.")
    world = answered(scripted(hedging, failing(ErrorClass.SERVER)))
    (reply,) = world.replies()
    assert reply["status"] == "replied"
    assert reply["degraded"] is True
    assert reply["model"] == "gpt-4o-mini"


def test_a_request_fails_when_every_model_does() -> None:
    world = answered(scripted(failing(ErrorClass.SERVER)))
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("failed", "all_models_failed")
    assert kinds(world)[-1] == "failed"


def test_one_call_of_unknown_cost_makes_the_request_s_cost_null() -> None:
    world = answered(scripted(failing(ErrorClass.TIMEOUT, None), text_answer("It is 42.")))
    (reply,) = world.replies()
    assert reply["status"] == "replied"
    assert reply["cost_usd"] is None
    assert world.events(COST, "CostEvent")[0]["cost_nano"] is None


def test_a_request_past_its_deadline_expires_without_a_call() -> None:
    world = scripted(text_answer("late"))
    answered(world, world.request(deadline_at=world.clock.now()))
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("expired", "deadline_exceeded")
    assert world.served == []


def test_a_verdict_ends_a_request_without_a_call() -> None:
    world = scripted(text_answer("never"))
    verdict = Failure(code="invalid_request", message="prompt: missing", retryable=False)
    answered(world, replace(world.request(), verdict=verdict, body=b""))
    (reply,) = world.replies()
    assert (reply["status"], reply["error"]["code"]) == ("rejected", "invalid_request")
    assert kinds(world) == ["rejected"]


def test_the_same_request_read_again_is_silent() -> None:
    world = scripted(text_answer("Paris."))
    answered(world, world.request(), world.request())
    assert len(world.replies()) == 1
    assert len(world.served) == 1


def test_the_same_id_from_another_sender_gets_the_first_reply_and_is_not_executed() -> None:
    world = scripted(text_answer("Paris."))
    first = world.request()
    other = replace(
        world.request(offset=7), reply_to=replace(first.reply_to, digest="somebody-else")
    )
    answered(world, first, other)
    reply, again = world.replies()
    assert reply["status"] == "replied"
    assert again == reply

    assert len(world.served) == 1


def test_the_same_id_sent_again_by_the_same_sender_is_silent() -> None:
    world = scripted(text_answer("Paris."))
    answered(world, world.request(), world.request(offset=7))
    assert len(world.replies()) == 1


def test_the_same_id_of_another_tenant_is_another_request() -> None:
    world = scripted(text_answer("Paris."))
    answered(world, world.request(), world.request(offset=7, tenant="acme"))
    assert [reply["status"] for reply in world.replies()] == ["replied", "replied"]


def test_an_undeliverable_reply_is_dead_lettered_and_marked_in_the_outcome() -> None:
    world = scripted(text_answer("Paris."))
    world.log.broken.add("replies.gone")
    request = world.request()
    answered(world, replace(request, reply_to=replace(request.reply_to, topic="replies.gone")))
    assert len(world.log.of(dead_letter_topic(REPLIES))) == 1
    outcome = world.events(OUTCOMES, "OutcomeEvent")[-1]
    assert outcome["result"]["undeliverable"] is True


def test_only_the_pinned_model_is_called() -> None:
    world = scripted(failing(ErrorClass.SERVER))
    request = world.request()
    answered(world, replace(request, decision=replace(request.decision, model="gpt-4o-mini")))
    assert {event["request_model"] for event in world.events(COST, "CostEvent")} == {"gpt-4o-mini"}
    assert world.replies()[0]["status"] == "failed"


def test_bytes_that_are_no_tier_message_are_dead_lettered_untouched() -> None:
    world = scripted(text_answer("Paris."))
    topic = tier_topic("simple")

    async def run() -> None:
        message = Incoming(
            topic=topic, partition=0, offset=0, timestamp=0, key=b"k", value=b"\x00junk"
        )
        deps = await world.worker()
        await execute(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), deps
        )

    asyncio.run(run())
    (dead,) = world.log.of(dead_letter_topic(topic))
    assert dead.record.value == b"\x00junk"
    assert dict(dead.record.headers)["dlq-cause"] == b"undecodable"


def test_a_worker_that_lost_partition_and_lease_publishes_the_cost_event_only() -> None:
    world = World()
    lane = PartitionState()

    def slow(call, endpoint):  # type: ignore[no-untyped-def]
        lane.lost = True
        world.clock.advance(10 * 60_000)
        return text_answer("Too late.")

    world.script = slow

    async def run() -> None:
        await world.send(world.request(deadline_at=world.clock.now() + 3_600_000))
        deps = await world.worker()
        (message,) = world.log.incoming(tier_topic("simple"))
        await execute(Work(message=message, slots=ConcurrencyLimiter(1), lane=lane), deps)

    asyncio.run(run())
    assert world.replies() == []
    assert kinds(world) == ["started"]
    (cost,) = world.events(COST, "CostEvent")
    assert cost["late"] is True
    assert cost["cost_nano"] is not None
