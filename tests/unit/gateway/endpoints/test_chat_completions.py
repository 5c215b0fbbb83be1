"""`POST /v1/chat/completions` over the log in memory."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import orjson
import pytest

from core.kafka.producer import Outgoing
from schemas.errors import DeliveryError, KafkaAwayError
from schemas.gateway.headers import CALL_ID, SEQUENCE, GatewayHeaders
from schemas.topics import GATEWAY_REQUESTS
from tests.unit.gateway.world import CHAT, HELLO, GatewayWorld, failed, replied, sent


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def events_of(text: str) -> list[Any]:
    """The documents of a stream, and its end."""
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else orjson.loads(line) for line in lines]


def test_an_answer_has_the_vendors_form_and_says_how_it_came_about() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(CHAT, json=HELLO)
        body = answer.json()
        assert answer.status_code == 200
        assert body["object"] == "chat.completion"
        assert body["choices"][0]["message"]["content"] == "An answer."
        assert body["choices"][0]["finish_reason"] == "stop"
        assert body["usage"]["total_tokens"] == 15
        assert answer.headers["x-sluice-cost-usd"] == "0.000123456"
        assert answer.headers["x-sluice-model"] == body["model"] == "small"
        assert body["id"] == f"chatcmpl-{answer.headers['x-sluice-request-id']}"

    run(scenario)


def test_a_request_states_tenant_and_key_in_headers_and_goes_to_the_gateways_topic() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", tenant="acme", key_id="k9")
        async with world.client() as client:
            await client.post(CHAT, json=HELLO, headers={"authorization": "Bearer secret"})
        (record,) = world.publisher.records
        assert record.topic == GATEWAY_REQUESTS
        assert GatewayHeaders.read(record.headers) == GatewayHeaders(tenant="acme", key_id="k9")
        assert sent(world)["tenant"] == "acme"

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer guess"}, "invalid_api_key"),
        ({"authorization": "Basic secret"}, "missing_api_key"),
        ({"authorization": "Bearer secret", "x-api-key": "other"}, "invalid_api_key"),
        ({"x-api-key": "old"}, "invalid_api_key"),
        ({"x-api-key": "revoked"}, "invalid_api_key"),
    ],
)
def test_a_request_without_a_valid_key_gets_401_and_publishes_nothing(
    headers: dict[str, str], code: str
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret")
        await world.key("old", expires_at=world.clock.now())
        await world.key("revoked")
        await world.revoke("revoked")
        async with world.client() as client:
            answer = await client.post(CHAT, json=HELLO, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
        assert answer.headers["x-should-retry"] == "false"
        assert world.publisher.records == []

    run(scenario)


def test_two_different_keys_in_one_kind_of_header_get_401() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret")
        async with world.client() as client:
            for other, status in (("other", 401), ("secret", 200)):
                headers = [("authorization", f"Bearer {key}") for key in ("secret", other)]
                assert (await client.post(CHAT, json=HELLO, headers=headers)).status_code == status

    run(scenario)


def test_a_compressed_body_and_a_blank_idempotency_key_are_refused() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            packed = await client.post(
                CHAT, content=gzip.compress(b"{}"), headers={"content-encoding": "gzip"}
            )
            blank = await client.post(CHAT, json=HELLO, headers={"idempotency-key": " "})
        assert (packed.status_code, packed.json()["error"]["code"]) == (415, "unsupported_encoding")
        assert (blank.status_code, blank.json()["error"]["param"]) == (400, "Idempotency-Key")
        assert world.publisher.records == []

    run(scenario)


def test_the_request_id_that_a_client_sees_does_not_address_its_reply() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(CHAT, json=HELLO)
        (record,) = world.publisher.records
        seen = answer.headers["x-sluice-request-id"]
        assert seen.encode() not in dict(record.headers)["correlation-id"]

    run(scenario)


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_a_key_is_accepted_in_either_header(name: str) -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret")
        value = "Bearer secret" if name == "authorization" else "secret"
        async with world.client() as client:
            assert (await client.post(CHAT, json=HELLO, headers={name: value})).status_code == 200

    run(scenario)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"tenant": "evil"}, "tenant"),
        ({"request_id": "mine"}, "request_id"),
        ({"native": {"dialect": "openai-chat", "body": {}}}, "native"),
        ({"prompt": "Hi"}, "prompt"),
        ({"extra_body": {"x": 1}}, "extra_body"),
        ({"quality": "best"}, "quality"),
        ({"feature": "search"}, "feature"),
        ({"unheard": 1}, "unheard"),
        ({"n": 2}, "n"),
        ({"temperature": 9}, "temperature"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": None}, "messages"),
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"deadline_ms": True}, "deadline_ms"),
        ({"deadline_ms": 0}, "deadline_ms"),
    ],
)
def test_a_field_that_is_not_permitted_is_refused_by_name(
    change: dict[str, Any], param: str
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret")
        async with world.client() as client:
            answer = await client.post(
                CHAT, json={**HELLO, **change}, headers={"x-api-key": "secret"}
            )
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
        assert error["param"] == param
        assert world.publisher.records == []

    run(scenario)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 300, b'{"a":NaN}'])
def test_a_body_that_is_no_json_object_gets_400(body: bytes) -> None:
    async def scenario() -> None:
        async with GatewayWorld().client() as client:
            answer = await client.post(CHAT, content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid_json"

    run(scenario)


def test_a_body_above_the_limit_gets_413() -> None:
    async def scenario() -> None:
        world = GatewayWorld(settings={"gateway_max_body_bytes": 2_000})
        async with world.client() as client:
            answer = await client.post(CHAT, content=b'{"a":"' + b"x" * 3_000 + b'"}')
        assert answer.status_code == 413

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("auto", {}),
        ("simple", {"tier": "simple"}),
        ("gpt-5.9", {}),
        ("opus-9", {"tier": "complex"}),
    ],
)
def test_a_model_name_is_auto_a_tier_a_model_or_an_alias(asked: str, named: dict[str, str]) -> None:
    async def scenario() -> None:
        world = GatewayWorld(settings={"gateway_aliases": "opus-*=complex,gpt*=auto"})
        async with world.client() as client:
            await client.post(CHAT, json={**HELLO, "model": asked})
            pinned = next(iter(world.live.snapshot.models))
            await client.post(CHAT, json={**HELLO, "model": pinned})
            unknown = await client.post(CHAT, json={**HELLO, "model": "claude"})
        found = {name: sent(world, 0)[name] for name in ("model", "tier") if name in sent(world, 0)}
        assert found == named
        assert sent(world, 1)["model"] == pinned
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")

    run(scenario)


def test_a_key_permits_the_models_and_features_that_it_names() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key(
            "secret",
            models=frozenset({"simple"}),
            features=frozenset({"search"}),
            fields=frozenset({"feature"}),
        )
        headers = {"x-api-key": "secret"}
        async with world.client() as client:

            async def status(**more: Any) -> int:
                body = {**HELLO, "model": "simple", **more}
                return (await client.post(CHAT, json=body, headers=headers)).status_code

            assert await status() == 200
            assert await status(feature="search") == 200
            assert await status(feature="chat") == 403
            assert await status(model="auto") == 403
            assert await status(model="complex") == 403

    run(scenario)


@pytest.mark.parametrize(
    ("code", "retryable", "status"),
    [
        ("invalid_request", False, 400),
        ("content_filtered", False, 400),
        ("too_large", False, 413),
        ("budget_exceeded", True, 429),
        ("no_capacity", True, 503),
        ("deadline_exceeded", True, 504),
        ("all_models_failed", True, 502),
        ("all_models_failed", False, 502),
        ("internal_error", False, 500),
        ("duplicate_request", True, 409),
        ("of a later version", False, 500),
    ],
)
def test_a_failure_has_the_status_of_its_code_and_says_whether_to_retry(
    code: str, retryable: bool, status: int
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda record: failed(record, code, retryable=retryable))
        async with world.client() as client:
            plain = await client.post(CHAT, json=HELLO)
            streamed = await client.post(CHAT, json={**HELLO, "stream": True})
        for answer in (plain, streamed):
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            assert answer.headers["x-should-retry"] == str(retryable).lower()
            assert ("retry-after" in answer.headers) == retryable

    run(scenario)


@pytest.mark.parametrize("fault", [KafkaAwayError("away"), DeliveryError("refused")])
def test_a_log_that_takes_no_request_gets_503_with_a_pause(fault: Exception) -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        world.publisher.fault = fault
        async with world.client() as client:
            answer = await client.post(CHAT, json=HELLO)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert len(world.waiting) == 0

    run(scenario)


def test_a_gateway_without_a_registry_gets_503() -> None:
    async def scenario() -> None:
        async with GatewayWorld(has_registry=False).client() as client:
            answer = await client.post(CHAT, json=HELLO)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gateway_starting")

    run(scenario)


def test_more_waiting_requests_than_the_limit_get_503() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None, settings={"gateway_max_waiting": 1})
        async with world.client() as client:
            first = asyncio.create_task(client.post(CHAT, json=HELLO))
            while len(world.waiting) < 1:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0)
            second = await client.post(CHAT, json=HELLO)
            assert (second.status_code, second.json()["error"]["code"]) == (
                503,
                "gateway_overloaded",
            )
            world.send(world.publisher.records[0], replied(world.publisher.records[0]))
            assert (await first).status_code == 200

    run(scenario)


def test_a_key_with_a_limit_gets_429_and_is_served_again_later() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", requests_per_minute=2)
        headers = {"x-api-key": "secret"}
        async with world.client() as client:
            answers = [await client.post(CHAT, json=HELLO, headers=headers) for _ in range(3)]
            assert [each.status_code for each in answers] == [200, 200, 429]
            assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
            assert answers[2].headers["retry-after"] == "30"
            world.clock.ms += 30_000
            assert (await client.post(CHAT, json=HELLO, headers=headers)).status_code == 200

    run(scenario)


def test_the_deadline_is_before_the_sdks_own_time_out() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            for headers, asked in (
                ({}, {}),
                ({}, {"deadline_ms": 9_000}),
                ({"x-stainless-read-timeout": "60"}, {}),
                ({"x-stainless-timeout": "5"}, {}),
                ({"x-stainless-read-timeout": "600.0"}, {"deadline_ms": 1_000}),
                ({"x-stainless-read-timeout": "nan"}, {}),
            ):
                await client.post(CHAT, json={**HELLO, **asked}, headers=headers)
        deadlines = [sent(world, number)["deadline_ms"] for number in range(6)]
        assert deadlines == [600_000, 9_000, 55_000, 4_000, 1_000, 600_000]

    run(scenario)


def test_a_stream_has_the_vendors_chunks_and_ends_with_done() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
            answer = await client.post(CHAT, json=body)
        assert answer.headers["content-type"].startswith("text/event-stream")
        *chunks, done = events_of(answer.text)
        assert done == "[DONE]"
        assert len({(each["id"], each["created"], each["model"]) for each in chunks}) == 1
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        texts = [each["choices"][0]["delta"].get("content", "") for each in chunks[:-1]]
        assert "".join(texts) == "An answer."
        assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
        assert chunks[-2]["sluice"]["cost_usd"] == 0.000123456
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["prompt_tokens"] == 10
        assert GatewayHeaders.read(world.publisher.records[0].headers).stream  # type: ignore[union-attr]

    run(scenario)


def part(call: str, number: int, delta: dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """A part of an answer, as a worker sends it."""
    headers = (CALL_ID, call.encode()), (SEQUENCE, str(number).encode())
    return {"model": "small", "delta": delta}, *headers


def test_log_probabilities_are_in_the_choice_plain_and_streamed() -> None:
    logprobs = {"content": [{"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}],
                "refusal": None}  # fmt: skip

    async def scenario() -> None:
        world = GatewayWorld(answering=lambda record: replied(record, logprobs=logprobs))
        async with world.client() as client:
            plain = (await client.post(CHAT, json={**HELLO, "logprobs": True})).json()
            streamed = await client.post(CHAT, json={**HELLO, "logprobs": True, "stream": True})
        assert plain["choices"][0]["logprobs"] == logprobs
        found = [each["choices"][0]["logprobs"] for each in events_of(streamed.text)[:-1]]
        assert [each for each in found if each] == [logprobs]

    run(scenario)


def test_parts_are_forwarded_and_the_rest_comes_from_the_reply() -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)

        def work(record: Outgoing) -> None:
            for number, text in enumerate(("An ", "ans")):
                world.send(record, *part("c1", number, {"content": text}))
            world.send(record, *part("other", 0, {"content": "Nothing"}))
            world.send(record, replied(record))

        world.publisher._published = work
        async with world.client() as client:
            answer = await client.post(CHAT, json={**HELLO, "stream": True})
        *chunks, _ = events_of(answer.text)
        texts = [each["choices"][0]["delta"].get("content") for each in chunks]
        assert [text for text in texts if text] == ["An ", "ans", "wer."]

    run(scenario)


@pytest.mark.parametrize("change", [{"call_id": "c2"}, {"message": {"content": "Nothing"}}])
def test_another_answer_than_the_sent_one_ends_a_stream_with_an_error(
    change: dict[str, Any],
) -> None:
    async def scenario() -> None:
        world = GatewayWorld(lambda _: None)

        def work(record: Outgoing) -> None:
            world.send(record, *part("c1", 0, {"content": "An "}))
            world.send(record, replied(record, **change))

        world.publisher._published = work
        async with world.client() as client:
            answer = await client.post(CHAT, json={**HELLO, "stream": True})
        last = events_of(answer.text)[-1]
        assert last["error"]["code"] == "internal_error"
        assert "[DONE]" not in answer.text

    run(scenario)


def test_a_retry_with_the_same_idempotency_key_gets_the_first_answer() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        headers = {"idempotency-key": "order-1"}
        async with world.client() as client:
            first = await client.post(CHAT, json=HELLO, headers=headers)
            again = await client.post(CHAT, json=HELLO, headers=headers)
            other = await client.post(CHAT, json=HELLO, headers={"idempotency-key": "order-2"})
        assert first.json()["id"] == again.json()["id"] != other.json()["id"]
        assert len(world.publisher.records) == 2

    run(scenario)


def test_another_gateway_finds_the_answer_of_an_idempotency_key_by_the_log_alone() -> None:
    async def scenario() -> None:
        world, other = GatewayWorld(), GatewayWorld()
        other.topics = world.topics
        headers = {"idempotency-key": "order-1"}
        async with world.client() as client:
            first = await client.post(CHAT, json=HELLO, headers=headers)
        async with other.client() as client:
            again = await client.post(CHAT, json=HELLO, headers=headers)
        assert first.json()["id"] == again.json()["id"]
        assert other.publisher.records == []

    run(scenario)


def test_a_retryable_failure_of_an_idempotency_key_is_a_new_attempt() -> None:
    async def scenario() -> None:
        answers = iter([("no_capacity", True), ("all_models_failed", False)])

        def answering(record: Outgoing) -> dict[str, Any]:
            code, retryable = next(answers)
            return failed(record, code, retryable=retryable)

        world = GatewayWorld(answering)
        headers = {"idempotency-key": "order-1"}
        async with world.client() as client:
            statuses = [
                (await client.post(CHAT, json=HELLO, headers=headers)).status_code for _ in range(3)
            ]
        assert statuses == [503, 502, 502]
        assert len(world.publisher.records) == 2

    run(scenario)


def test_an_idempotency_key_with_another_body_is_refused() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        headers = {"idempotency-key": "order-1"}
        async with world.client() as client:
            await client.post(CHAT, json=HELLO, headers=headers)
            other = await client.post(CHAT, json={**HELLO, "seed": 1}, headers=headers)
        assert other.status_code == 400
        assert len(world.publisher.records) == 1

    run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", CHAT, 405),
        ("POST", "/v1/nothing", 404),
        ("POST", f"{CHAT}/", 404),
        ("GET", "/", 404),
    ],
)
def test_an_unknown_url_or_method_gets_the_vendors_error(
    method: str, path: str, status: int
) -> None:
    async def scenario() -> None:
        async with GatewayWorld().client() as client:
            answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
        assert answer.json()["error"]["type"] == "invalid_request_error"

    run(scenario)


def test_a_web_page_of_another_origin_is_refused() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.client() as client:
            answer = await client.post(CHAT, json=HELLO, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert world.publisher.records == []

    run(scenario)


def test_the_models_are_listed_in_the_clients_dialect() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", models=frozenset({"simple"}))
        headers = {"x-api-key": "secret"}
        async with world.client() as client:
            openai = (await client.get("/v1/models", headers=headers)).json()
            version = {**headers, "anthropic-version": "2023-06-01"}
            anthropic = (await client.get("/v1/models", headers=version)).json()
            one = await client.get("/v1/models/simple", headers=headers)
            none = await client.get("/v1/models/complex", headers=headers)
        names = [each["id"] for each in openai["data"]]
        assert "simple" in names
        assert "auto" not in names
        assert [each["id"] for each in anthropic["data"]] == names
        assert (anthropic["first_id"], anthropic["has_more"]) == (names[0], False)
        assert one.json()["id"] == "simple"
        assert none.status_code == 404

    run(scenario)


def test_a_name_that_an_alias_maps_is_described_if_the_key_permits_it() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False, settings={"gateway_aliases": "gpt-9*=auto,*=complex"})
        await world.key("secret", models=frozenset({"auto"}))
        headers = {"x-api-key": "secret"}
        async with world.client() as client:
            found = {
                name: await client.get(f"/v1/models/{name}", headers=headers)
                for name in ("gpt-9-mini", "other", "simple", "complex")
            }
        statuses = {name: answer.status_code for name, answer in found.items()}
        assert statuses == {"gpt-9-mini": 200, "other": 404, "simple": 404, "complex": 404}
        assert found["gpt-9-mini"].json()["id"] == "gpt-9-mini"

    run(scenario)


def test_a_model_in_anthropics_form_has_its_limits_and_its_lifecycle() -> None:
    async def scenario() -> None:
        world = GatewayWorld()
        async with world.context() as context:
            name, model = next(iter(context.snapshot.models.items()))
        headers = {"anthropic-version": "2023-06-01"}
        async with world.client() as client:
            found = (await client.get(f"/v1/models/{name}", headers=headers)).json()
            tier = (await client.get("/v1/models/simple", headers=headers)).json()
        assert (found["lifecycle"], found["capabilities"]) == ("active", None)
        assert found["max_input_tokens"] == model.context_window
        assert found["max_tokens"] == model.max_output
        assert (tier["lifecycle"], tier["max_tokens"]) == ("active", None)

    run(scenario)


def test_feedback_is_published_for_the_keys_tenant() -> None:
    async def scenario() -> None:
        world = GatewayWorld(is_open=False)
        await world.key("secret", tenant="acme")
        headers = {"x-api-key": "secret"}
        async with world.client() as client:
            taken = await client.post(
                "/v1/feedback", json={"request_id": "r1", "score": 1.0}, headers=headers
            )
            for body in ({"request_id": "r1"}, {"score": 1.0}, {"request_id": "r1", "score": 2.0},
                         {"request_id": "r1", "score": 1.0, "tenant": "x"}):  # fmt: skip
                refused = await client.post("/v1/feedback", json=body, headers=headers)
                assert refused.status_code == 400
        assert taken.status_code == 202
        (record,) = world.publisher.records
        assert orjson.loads(record.value or b"") == {
            "tenant": "acme", "request_id": "r1", "score": 1.0,
        }  # fmt: skip

    run(scenario)
