"""A client's requests, over topics in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.callers.headers import REPLY_TOPIC
from schemas.errors import (
    ConfigurationError,
    DeadlineError,
    DeliveryError,
    FailedRequestError,
    InvalidRequestError,
    KafkaAccessError,
    KafkaAwayError,
    RejectedRequestError,
    SluiceError,
    TopicError,
    UnansweredError,
)
from schemas.topics import REPLIES, REQUESTS
from streams.client import connection as connection_module
from streams.client.batch.totals import SendTotals
from streams.client.client import SluiceClient
from streams.client.in_memory_connection import Answering, MemoryPipeline, answered, unanswered
from streams.client.paced_requests import each_ended
from streams.client.request_fields import GRACE_S, wait_s_of
from streams.client.request_outcome import RequestOutcome
from streams.client.settings import ClientSettings

SETTINGS = ClientSettings(bootstrap_servers="nowhere:1")


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    return answered(request, f"Answer to {request['prompt']}")


def _run(
    case: Callable[[SluiceClient, MemoryPipeline], Coroutine[Any, Any, None]],
    answering: Answering = _answer,
    settings: ClientSettings = SETTINGS,
    pipeline: MemoryPipeline | None = None,
) -> MemoryPipeline:
    found = pipeline or MemoryPipeline(answering)

    async def scenario() -> None:
        async with asyncio.timeout(20), SluiceClient(settings, connect=found.connect) as client:
            await case(client, found)

    asyncio.run(scenario())
    return found


def test_a_question_is_answered() -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        reply = await client.ask("hello", tier="simple", deadline_ms=5_000)
        assert (reply.text, reply.reply.model) == ("Answer to hello", "small")
        assert str(reply.cost_usd) == "0.0001"

    pipeline = _run(case)
    (request,) = pipeline.requests
    assert request.pop("request_id")
    assert request == {"prompt": "hello", "tier": "simple", "deadline_ms": 5_000}


def test_a_body_keeps_its_id_which_is_also_the_key() -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        await client.ask({"prompt": "hello", "request_id": "order-1"})

    pipeline = _run(case)
    assert pipeline.requests[0]["request_id"] == "order-1"
    assert pipeline.publisher.records[0].key == b"order-1"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("rejected", RejectedRequestError),
        ("failed", FailedRequestError),
        ("expired", DeadlineError),
    ],
)
def test_a_request_without_an_answer_is_a_named_error(
    status: str, error: type[UnansweredError]
) -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        with pytest.raises(error, match=f"{status}: why .the_code.") as caught:
            await client.ask({"prompt": "a", "request_id": "r1"})
        assert (caught.value.code, caught.value.request_id) == ("the_code", "r1")
        assert not caught.value.retryable

    _run(case, lambda request: unanswered(request, status, "the_code", message="why"))


def test_a_missing_reply_is_an_error_with_the_unreadable_records() -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        asking = asyncio.create_task(client.exchange({"prompt": "a"}, timeout_s=0.2))
        record = await pipeline.next_request()
        pipeline.send(record, b"[]")
        outcome = await asking
        assert outcome.reply is None
        with pytest.raises(DeadlineError, match=r"no reply within 0.2 s.*; 1 records on") as caught:
            outcome.answer()
        assert caught.value.retryable

    _run(case, lambda _: None)


def test_a_client_waits_until_after_the_deadline() -> None:
    assert wait_s_of({"deadline_ms": 1_000}) == 1 + GRACE_S
    assert wait_s_of({}) == wait_s_of({"deadline_ms": "soon"}) == wait_s_of({"deadline_ms": -1})


def test_an_own_reply_topic_is_named_and_read() -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        assert (await client.ask("a")).text == "Answer to a"

    pipeline = MemoryPipeline(_answer, topics=(REQUESTS, REPLIES, "replies.mine"))
    settings = ClientSettings(bootstrap_servers="nowhere:1", reply_topic="replies.mine")
    _run(case, settings=settings, pipeline=pipeline)
    assert (REPLY_TOPIC, b"replies.mine") in pipeline.publisher.records[0].headers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ClientSettings(bootstrap_servers="n:1", reply_topic="replies.mine"), "--reply replies.mi"),
        (ClientSettings(bootstrap_servers="n:1", request_topic="llm.requests.acme"), "not exist"),
    ],
)
def test_a_missing_topic_is_named(settings: ClientSettings, message: str) -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        raise AssertionError

    with pytest.raises(TopicError, match=message):
        _run(case, settings=settings)


@pytest.mark.parametrize("fault", [KafkaAccessError("token"), KafkaAwayError("no answer")])
def test_requests_fail_with_the_cause_if_reading_fails(fault: SluiceError) -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        asking = asyncio.create_task(client.ask("a"))
        await pipeline.next_request()
        pipeline.topics.fail(fault)
        with pytest.raises(type(fault), match=str(fault)):
            await asking
        with pytest.raises(type(fault), match=str(fault)):
            await client.ask("later")

    _run(case, lambda _: None)


def test_a_request_that_is_not_taken_waits_no_more() -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        pipeline.publisher.fault = DeliveryError("too large")
        with pytest.raises(DeliveryError):
            await client.ask("a")
        assert len(client._pending) == 0

    _run(case)


def test_a_request_that_is_no_json_is_refused() -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        with pytest.raises(InvalidRequestError):
            await client.ask({"prompt": object()})
        assert not pipeline.publisher.records

    _run(case)


def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(ConfigurationError, match="async with"):
        asyncio.run(SluiceClient(SETTINGS).ask("a"))


def test_a_closed_client_ends_its_requests() -> None:
    async def scenario() -> None:
        pipeline = MemoryPipeline(lambda _: None)
        async with SluiceClient(SETTINGS, connect=pipeline.connect) as client:
            asking = asyncio.create_task(client.ask("a"))
            await pipeline.next_request()
        with pytest.raises(KafkaAwayError, match="closed"):
            await asking

    asyncio.run(scenario())


def test_a_client_can_be_opened_again() -> None:
    async def scenario() -> None:
        pipeline = MemoryPipeline(_answer)
        client = SluiceClient(SETTINGS, connect=pipeline.connect)
        for _ in range(2):
            async with client:
                assert (await client.ask("a")).text == "Answer to a"

    asyncio.run(scenario())


def test_a_client_whose_connection_fails_reads_nothing() -> None:
    @asynccontextmanager
    async def broken(_: ClientSettings) -> AsyncIterator[Any]:
        raise KafkaAwayError("no broker")
        yield

    async def scenario() -> None:
        async with SluiceClient(SETTINGS, connect=broken):
            pass

    with pytest.raises(KafkaAwayError):
        asyncio.run(scenario())


def test_a_reply_on_an_added_partition_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_PARTITIONS_S", 0.0)

    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        asking = asyncio.create_task(client.ask("a"))
        record = await pipeline.next_request()
        pipeline.topics.create(REPLIES, 2)
        pipeline.send(record, b"[]")
        (found,) = pipeline.topics.partition(TopicPartition(REPLIES, 0)).records
        value = b'{"request_id":"r","status":"replied","latency_ms":1,"message":{"content":"b"}}'
        pipeline.topics.append(TopicPartition(REPLIES, 1), value, headers=found.headers)
        assert (await asking).text == "b"

    _run(case, lambda _: None)


def _many(
    answering: Answering, count: int, in_flight: int, timeout_s: float = 10
) -> tuple[list[RequestOutcome], MemoryPipeline]:
    outcomes: list[RequestOutcome] = []

    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        requests = [{"prompt": "a", "request_id": f"r{number}"} for number in range(count)]
        ends = client.ask_many(requests, in_flight=in_flight, timeout_s=timeout_s)
        outcomes.extend([each async for each in ends])

    return outcomes, _run(case, answering)


def test_every_request_of_many_is_sent_and_ends() -> None:
    outcomes, pipeline = _many(_answer, 100, in_flight=8)
    assert {each.answer().reply.request_id for each in outcomes} == {f"r{n}" for n in range(100)}
    assert len(pipeline.requests) == 100


def test_the_open_requests_are_bounded() -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        replies = client.ask_many([f"q{number}" for number in range(10)], in_flight=3)
        async with aclosing(replies) as outcomes:
            taken = 0
            async for _ in outcomes:
                taken += 1
                for _ in range(20):
                    await asyncio.sleep(0)
                # What was not taken yet counts as open: the reader sets the pace.
                assert len(pipeline.requests) <= taken + 2 + 1

    _run(case)


def test_a_request_without_a_reply_is_named_and_blocks_no_other() -> None:
    def all_but_one(request: Mapping[str, Any]) -> dict[str, Any] | None:
        return None if request["request_id"] == "r3" else _answer(request)

    outcomes, _ = _many(all_but_one, 10, in_flight=2, timeout_s=0.05)
    missing = [each.request["request_id"] for each in outcomes if each.reply is None]
    assert (len(outcomes), missing) == (10, ["r3"])


def test_failed_requests_among_many_are_outcomes_too() -> None:
    outcomes, _ = _many(lambda each: unanswered(each, "failed", "no_capacity"), 3, in_flight=2)
    for each in outcomes:
        with pytest.raises(FailedRequestError):
            each.answer()


def test_one_error_of_publishing_ends_many() -> None:
    async def case(client: SluiceClient, pipeline: MemoryPipeline) -> None:
        pipeline.publisher.fault = DeliveryError("no such topic")
        with pytest.raises(DeliveryError):
            async for _ in client.ask_many(["a"] * 5, in_flight=5):
                pass

    _run(case)


def test_many_requests_that_are_left_early_leave_nothing_behind() -> None:
    async def case(client: SluiceClient, _: MemoryPipeline) -> None:
        async with aclosing(client.ask_many(["a"] * 20, in_flight=4)) as outcomes:
            async for _ in outcomes:
                break
        assert len(client._pending) == 0

    _run(case)


def test_a_rate_spaces_requests_out() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def at_once(request: int) -> int:
        return request

    async def scenario() -> None:
        ends = each_ended(range(4), at_once, in_flight=4, rate=0.001, sleep=sleep)
        assert [each async for each in ends] == [0, 1, 2, 3]

    asyncio.run(scenario())
    assert [round(each, -2) for each in slept] == [0, 1_000, 2_000, 3_000]


def test_totals_sum_money_in_integer_nano_dollars() -> None:
    outcomes, _ = _many(
        lambda each: {**_answer(each), "cost_usd": 0.0000087, "baseline_cost_usd": 0.001035}, 3, 1
    )
    totals = SendTotals()
    for each in outcomes:
        totals.take(each.answer())
    assert (totals.replies, totals.cost_nano, totals.baseline_nano) == (3, 3 * 8_700, 3 * 1_035_000)


def test_a_reply_of_unknown_cost_is_counted_apart_and_not_as_zero() -> None:
    outcomes, _ = _many(lambda each: {**_answer(each), "cost_usd": None}, 2, 1)
    totals = SendTotals()
    for each in outcomes:
        totals.take(each.answer())
    assert (totals.unknown_cost, totals.cost_nano, totals.saved_share) == (2, 0, None)
