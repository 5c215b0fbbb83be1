"""Responses in the background, and responses that are read later."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from aiokafka import TopicPartition
from openai.types.responses import Response

from core.kafka.producer import Outgoing
from schemas.errors import KafkaAwayError
from schemas.gateway.cancellation import is_cancellation
from schemas.gateway.headers import CALL_ID, CANCELS_UNTIL, REPLY_PARTITION, SEQUENCE
from schemas.records import DAY_MS
from schemas.topics import GATEWAY_REPLIES, GATEWAY_REQUESTS
from streams.gateway.application import gateway_application
from streams.gateway.dispatch import stored_responses
from streams.gateway.endpoints import responses
from tests.unit.gateway.world import GatewayWorld, failed, replied

PATH = "/v1/responses"
HELLO: dict[str, Any] = {"model": "auto", "input": "Hello", "metadata": {"a": "b"}}
LATER = {**HELLO, "background": True}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def requests_of(world: GatewayWorld) -> list[Outgoing]:
    """The published requests, without the records of acceptance."""
    return [each for each in world.publisher.records if each.topic == GATEWAY_REQUESTS]


def part(number: int, text: str, call: str = "c1") -> tuple[dict[str, Any], Any, Any]:
    """A part of an answer, as a worker sends it."""
    headers = (CALL_ID, call.encode()), (SEQUENCE, str(number).encode())
    return {"model": "small", "delta": {"content": text}}, *headers


def events_of(text: str) -> list[Any]:
    frames = [frame for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [orjson.loads(frame.partition("\ndata: ")[2]) for frame in frames]


def other_gateway(world: GatewayWorld) -> GatewayWorld:
    """A gateway over the same log and registry that accepted nothing."""
    other = GatewayWorld(is_open=world.is_open)
    other.topics, other.live, other.clock = world.topics, world.live, world.clock
    return other


async def settled(world: GatewayWorld) -> None:
    """Let the reader take what is in the log."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_request_in_the_background_is_answered_before_its_reply() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        async with world.client() as client:
            first = await client.post(PATH, json=LATER)
            place = f"{PATH}/{first.json()['id']}"
            queued = await client.get(place)
            (record,) = requests_of(world)
            world.send(record, *part(0, "An "))
            await settled(world)
            begun = await client.get(place)
            world.send(record, replied(record))
            await settled(world)
            done = await client.get(place)
        assert first.status_code == 200
        assert Response.model_validate(first.json(), strict=True).status == "queued"
        assert first.json() == queued.json()
        assert begun.json()["status"] == "in_progress"
        found = Response.model_validate(done.json(), strict=True)
        assert (found.status, found.output_text) == ("completed", "An answer.")
        assert (found.id, found.metadata) == (first.json()["id"], {"a": "b"})
        assert found.created_at == first.json()["created_at"]
        assert len(world.waiting) == 0

    run(scenario)


def test_the_sdks_time_out_does_not_bound_a_request_in_the_background() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        headers = {"x-stainless-read-timeout": "5"}
        async with world.client() as client:
            await client.post(PATH, json=LATER, headers=headers)
        (record,) = requests_of(world)
        assert orjson.loads(record.value or b"")["deadline_ms"] == 600_000

    run(scenario)


def test_any_gateway_finds_a_response() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        async with world.client() as client, other_gateway(world).client() as other:
            answered = await client.post(PATH, json=LATER)
            open_one = await client.post(PATH, json=LATER)
            one, two = requests_of(world)
            world.send(one, replied(one))
            await settled(world)
            found = await other.get(f"{PATH}/{answered.json()['id']}")
            waits = await other.get(f"{PATH}/{open_one.json()['id']}")
            world.send(two, replied(two))
            await settled(world)
            later = await other.get(f"{PATH}/{open_one.json()['id']}")
            same = await client.get(f"{PATH}/{open_one.json()['id']}")
        assert found.json()["status"] == "completed"
        assert waits.json() == open_one.json()
        assert later.json()["status"] == "completed"
        assert later.json() == same.json()

    run(scenario)


def test_a_response_that_was_answered_at_once_is_the_same_later() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client, other_gateway(world).client() as other:
            first = await client.post(PATH, json=HELLO)
            for each in (client, other):
                later = await each.get(f"{PATH}/{first.json()['id']}")
                assert later.json() == first.json()

    run(scenario)


def test_a_failed_response_says_why() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda at: failed(at, "all_models_failed", retryable=True))
        async with world.client() as client:
            first = await client.post(PATH, json=LATER)
            await settled(world)
            later = await client.get(f"{PATH}/{first.json()['id']}")
        found = Response.model_validate(later.json(), strict=True)
        assert found.status == "failed"
        assert found.error is not None
        assert (found.error.code, found.error.message) == (
            "server_error",
            "all_models_failed happened",
        )
        assert later.json()["sluice"]["error_code"] == "all_models_failed"

    run(scenario)


def test_ids_of_other_keys_and_made_up_ids_are_not_found() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("mine", key_id="k1", tenant="acme")
        await world.key("other", key_id="k2", tenant="acme")
        await world.key("foreign", key_id="k3", tenant="else")
        mine = {"x-api-key": "mine"}
        async with world.client() as client:
            first = (await client.post(PATH, json=LATER, headers=mine)).json()["id"]
            last = "0" if first[-1] != "0" else "1"
            for path, headers, status in (
                (first, mine, 200),
                (first, {"x-api-key": "other"}, 404),
                (first, {"x-api-key": "foreign"}, 404),
                (first, {}, 401),
                (first[:-1] + last, mine, 404),
                (first.replace("_r", "_R", 1), mine, 404),
                (first[:5] + "0" + first[6:], mine, 404 if first[5] != "0" else 200),
                ("resp_1", mine, 404),
                ("resp_" + "0" * 40 + "_r0", mine, 404),
            ):
                answer = await client.get(f"{PATH}/{path}", headers=headers)
                assert answer.status_code == status, path
            error = (await client.get(f"{PATH}/resp_1", headers=mine)).json()["error"]
        assert error["type"] == "invalid_request_error"

    run(scenario)


def test_a_response_is_not_found_after_a_day_or_without_its_records() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            first = (await client.post(PATH, json=HELLO)).json()["id"]
            world.clock.ms += DAY_MS
            assert (await client.get(f"{PATH}/{first}")).status_code == 200
            world.clock.ms += 1
            assert (await client.get(f"{PATH}/{first}")).status_code == 404
            world.clock.ms -= 2
            (record,) = requests_of(world)
            number = int.from_bytes(dict(record.headers)[REPLY_PARTITION], "big")
            place = TopicPartition(GATEWAY_REPLIES, number)
            world.topics.delete_before(place, world.topics.partition(place).end)
            async with other_gateway(world).client() as other:
                assert (await other.get(f"{PATH}/{first}")).status_code == 404

    run(scenario)


@pytest.mark.parametrize("background", [False, True])
def test_the_events_of_a_response_are_the_same_at_every_reading(background: bool) -> None:
    async def scenario() -> None:
        world = GatewayWorld()

        def work(record: Outgoing) -> None:
            world.send(record, *part(0, "An "))
            world.send(record, *part(0, "Nothing", "other"))
            world.send(record, *part(1, "ans"))
            world.send(record, replied(record))

        world.working = work
        body = {**HELLO, "background": background, "stream": True}
        async with world.client() as client, other_gateway(world).client() as other:
            first = events_of((await client.post(PATH, json=body)).text)
            place = f"{PATH}/{first[0]['response']['id']}?stream=true"
            for each in (client, other):
                assert events_of((await each.get(place)).text) == first
                rest = events_of((await each.get(f"{place}&starting_after=4")).text)
                assert rest == first[5:]
                none = await each.get(f"{place}&starting_after=99")
                assert (none.status_code, none.text) == (200, "")
        if background:
            assert [each["type"] for each in first[:2]] == ["response.created", "response.queued"]

    run(scenario)


def test_a_stream_that_is_read_later_goes_on_with_the_answer() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        async with world.client() as client, other_gateway(world).client() as other:
            first = (await client.post(PATH, json=LATER)).json()["id"]
            (record,) = requests_of(world)
            world.send(record, *part(0, "An "))
            await settled(world)
            reading = asyncio.create_task(other.get(f"{PATH}/{first}?stream=true"))
            await settled(world)
            world.send(record, *part(1, "answer"))
            await settled(world)
            world.send(record, replied(record))
            events = events_of((await reading).text)
        assert [each["delta"] for each in events if "delta" in each] == ["An ", "answer", "."]
        assert events[-1]["type"] == "response.completed"

    run(scenario)


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9999999999"])
def test_a_number_of_an_event_that_is_none_is_refused(number: str) -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            first = (await client.post(PATH, json=HELLO)).json()["id"]
            answer = await client.get(f"{PATH}/{first}?stream=true&starting_after={number}")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "starting_after")

    run(scenario)


def test_a_stream_in_the_background_begins_at_once_and_tells_of_a_failure() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda at: failed(at, "no_capacity", retryable=True))
        async with world.client() as client:
            answer = await client.post(PATH, json={**LATER, "stream": True})
        assert answer.status_code == 200
        events = events_of(answer.text)
        assert [each["type"] for each in events] == [
            *("response.created", "response.queued", "response.in_progress", "response.failed")
        ]
        assert events[-1]["response"]["sluice"]["error_code"] == "no_capacity"

    run(scenario)


def test_a_request_whose_acceptance_is_not_recorded_is_not_published() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        world.publisher.fault = KafkaAwayError("Kafka does not answer")
        async with world.client() as client:
            away = await client.post(PATH, json=LATER)
            world.publisher.fault = None
            again = await client.post(PATH, json=LATER, headers={"x-stainless-retry-count": "1"})
        assert (away.status_code, away.json()["error"]["code"]) == (503, "kafka_unavailable")
        assert again.status_code == 200
        kinds = [each.topic for each in world.publisher.records]
        assert kinds == [GATEWAY_REPLIES, GATEWAY_REQUESTS]

    run(scenario)


def test_a_retry_with_the_idempotency_key_gets_the_same_id_at_any_gateway() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        headers = {"Idempotency-Key": "k"}
        other = other_gateway(world)
        async with world.client() as client, other.client() as elsewhere:
            first = (await client.post(PATH, json=LATER, headers=headers)).json()
            world.clock.ms += 5_000
            (record,) = requests_of(world)
            other.answering = lambda _: None
            waits = (await elsewhere.post(PATH, json=LATER, headers=headers)).json()
            world.send(record, replied(record))
            await settled(world)
            done = (await elsewhere.post(PATH, json=LATER, headers=headers)).json()
            later = (await client.get(f"{PATH}/{first['id']}")).json()
        assert waits == first
        assert done == later
        assert (done["id"], done["status"]) == (first["id"], "completed")
        assert [each.topic for each in other.publisher.records] == [GATEWAY_REQUESTS]

    run(scenario)


def test_polling_has_a_limit_of_its_own() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", requests_per_minute=1)
        headers = {"x-api-key": "secret"}
        async with world.client() as client:
            first = (await client.post(PATH, json=HELLO, headers=headers)).json()["id"]
            answers = [await client.get(f"{PATH}/{first}", headers=headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 429]

    run(scenario)


def test_more_responses_than_are_kept_are_found_in_the_log(monkeypatch: Any) -> None:
    monkeypatch.setattr(stored_responses, "KEPT", 2)

    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            ids = [(await client.post(PATH, json=LATER)).json()["id"] for _ in range(5)]
            await settled(world)
            found = [(await client.get(f"{PATH}/{each}")).json() for each in ids]
        assert [each["status"] for each in found] == ["completed"] * 5

    run(scenario)


def test_a_page_that_is_no_response_has_openais_error() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.context() as context:
            transport = httpx.ASGITransport(gateway_application(context))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                answer = await client.delete(f"{PATH}/resp_1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")

    run(scenario)


def cancelling(world: GatewayWorld, *, answers: bool = True) -> None:
    """Let the workers end a request when they read its cancellation, and only then."""

    def work(record: Outgoing) -> None:
        if answers and is_cancellation(record.value):
            (request, *_) = requests_of(world)
            world.send(record, failed(request, "cancelled", status="rejected"))

    world.working = work


def test_a_cancelled_response_says_so_at_once_and_later() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("mine", tenant="acme", key_id="k1")
        cancelling(world)
        headers = {"x-api-key": "mine"}
        async with world.client() as client, other_gateway(world).client() as other:
            first = (await client.post(PATH, json=LATER, headers=headers)).json()["id"]
            ended = await client.post(f"{PATH}/{first}/cancel", headers=headers)
            again = await client.post(f"{PATH}/{first}/cancel", headers=headers)
            later = await other.get(f"{PATH}/{first}", headers=headers)
            events = events_of(
                (await other.get(f"{PATH}/{first}?stream=true", headers=headers)).text
            )
        found = Response.model_validate(ended.json(), strict=True)
        assert (ended.status_code, found.status, found.error) == (200, "cancelled", None)
        assert ended.json() == again.json() == later.json()
        assert events[-1]["type"] == "response.failed"
        assert events[-1]["response"]["status"] == "cancelled"
        request, asked = requests_of(world)
        stated = dict(request.headers)
        assert asked.key == request.key
        assert {**stated, CANCELS_UNTIL: dict(asked.headers)[CANCELS_UNTIL]} == dict(asked.headers)
        until = int(dict(asked.headers)[CANCELS_UNTIL])
        assert until >= world.clock.now() + 600_000

    run(scenario)


def test_a_response_that_ended_is_not_cancelled() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            first = (await client.post(PATH, json=LATER)).json()["id"]
            await settled(world)
            answer = await client.post(f"{PATH}/{first}/cancel")
        assert answer.json()["status"] == "completed"
        assert len(requests_of(world)) == 1

    run(scenario)


def test_a_cancellation_that_takes_long_is_answered_with_the_present_state(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(responses, "CANCEL_WAIT_S", 0.0)

    async def scenario() -> None:
        world = GatewayWorld()
        cancelling(world, answers=False)
        async with world.client() as client:
            first = (await client.post(PATH, json=LATER)).json()["id"]
            answer = await client.post(f"{PATH}/{first}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "queued")
        assert len(requests_of(world)) == 2

    run(scenario)


def test_only_own_responses_in_the_background_are_cancelled() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("mine", tenant="acme", key_id="k1")
        await world.key("other", tenant="acme", key_id="k2")
        mine = {"x-api-key": "mine"}
        async with world.client() as client:
            plain = (await client.post(PATH, json=HELLO, headers=mine)).json()["id"]
            world.answering = lambda _: None
            later = (await client.post(PATH, json=LATER, headers=mine)).json()["id"]
            refused = await client.post(f"{PATH}/{plain}/cancel", headers=mine)
            foreign = await client.post(f"{PATH}/{later}/cancel", headers={"x-api-key": "other"})
        assert refused.status_code == 400
        assert foreign.status_code == 404
        assert len(requests_of(world)) == 2

    run(scenario)


def test_a_cancellation_while_kafka_is_away_is_told() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)
        async with world.client() as client:
            first = (await client.post(PATH, json=LATER)).json()["id"]
            world.publisher.fault = KafkaAwayError("Kafka does not answer")
            answer = await client.post(f"{PATH}/{first}/cancel")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "kafka_unavailable")

    run(scenario)
