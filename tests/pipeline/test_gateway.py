"""The HTTP gateway in front of real Kafka and a real worker, used by OpenAI's SDK."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response

from infra.devstack.registry import local_registry
from streams.registry.publishing import move_pointer, publish_version
from streams.registry.version import parse_registry
from streams.routing.decision_inputs import read_classify
from tests.rig.doc_blocks import Block, blocks
from tests.rig.observed.books import read_ledger, rows
from tests.rig.observed.hot_registry import uses
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack, answers, switch_faults

CLIENTS: list[openai.OpenAI] = []
"""Clients that are closed at the end."""

HELLO = [{"role": "user", "content": "What is Kafka?"}]


@pytest.fixture(scope="module")
def gateways(pipeline: Stack) -> Iterator[Stack]:
    """The shared pipeline with two gateways; the second wants keys."""
    pipeline.start_gateway(1, wait=False)
    pipeline.start_gateway(2, SLUICE_GATEWAY_OPEN="0")
    pipeline.processes["gateway-1"].wait_ready(
        lambda: answers(f"{pipeline.gateway_url(1)}/v1/models"), 60
    )
    yield pipeline
    while CLIENTS:
        CLIENTS.pop().close()
    for number in (1, 2):
        pipeline.processes.pop(f"gateway-{number}").stop(grace_s=12.0)


def client_of(stack: Stack, number: int = 1, key: str = "any") -> openai.OpenAI:
    client = openai.OpenAI(base_url=f"{stack.gateway_url(number)}/v1", api_key=key, max_retries=0)
    CLIENTS.append(client)
    return client


def sluice(stack: Stack, *arguments: str) -> str:
    """The output of a command."""
    environment = {
        **os.environ,
        "SLUICE_KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap,
        "SLUICE_HOME": str(stack.folder),
        "SLUICE_CLICKHOUSE_URL": stack.clickhouse_url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_an_answer_over_http_is_stored_and_paid_as_in_the_ledger(gateways: Stack) -> None:
    client = client_of(gateways)
    raw = client.chat.completions.with_raw_response.create(
        model="auto",
        messages=HELLO,  # type: ignore[arg-type]
        extra_headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"},
    )
    answer = raw.parse()
    request_id = raw.headers["x-sluice-request-id"]
    assert answer.choices[0].message.content
    assert answer.usage is not None
    query = (
        "SELECT model, input_tokens, toString(cost) FROM sluice.requests "
        f"WHERE request_id = '{request_id}'"
    )
    poll_until(lambda: bool(rows(gateways.clickhouse_url, query)))
    ((model, tokens, cost),) = rows(gateways.clickhouse_url, query)
    assert (model, int(tokens)) == (answer.model, answer.usage.prompt_tokens)
    assert float(cost) == float(raw.headers["x-sluice-cost-usd"])


@pytest.mark.parametrize("model", ["auto", "complex", "gpt-4o"])
def test_a_stream_is_whole_with_its_usage(gateways: Stack, model: str) -> None:
    chunks = list(
        client_of(gateways).chat.completions.create(
            model=model,
            messages=HELLO,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    texts = [each.choices[0].delta.content or "" for each in chunks if each.choices]
    assert "".join(texts).strip()
    assert [each.choices[0].finish_reason for each in chunks if each.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


SAMPLES = [
    each
    for each in blocks("python", "sh")
    if each.reason is None and each.text.startswith(("from ", "curl "))
    and "127.0.0.1:8080" in each.text
]  # fmt: skip


@pytest.mark.parametrize("block", SAMPLES, ids=lambda block: block.place)
def test_an_example_of_the_pages_works(gateways: Stack, block: Block) -> None:
    text = block.text.replace("http://127.0.0.1:8080", gateways.gateway_url(1))
    program = [sys.executable, "-c"] if block.kind == "python" else ["sh", "-ec"]
    ended = subprocess.run(
        [*program, text], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    assert not ended.stdout.startswith(('{"error"', '{"type":"error"', "event: error"))


def test_a_stream_at_once_ends_its_cascade_and_is_recorded(gateways: Stack) -> None:
    text = local_registry(gateways.simulator_url)
    first = parse_registry(text)
    at_once = parse_registry(
        text.replace("policy:\n", "policy:\n  streaming: immediate\n").replace(
            "thresholds: {simple: 0.6, moderate: 0.5}", "thresholds: {simple: 1.0, moderate: 0.5}"
        )
    )
    kafka = {"bootstrap_servers": gateways.bootstrap}
    found: dict[bool, tuple[str, list[str]]] = {}

    def ask(*, stream: bool) -> None:
        client, body = client_of(gateways), {"model": "simple", "messages": HELLO}
        if stream:
            chunks = list(client.chat.completions.create(**body, stream=True))  # type: ignore[call-overload]
            last = chunks[-1].model_extra["sluice"]
            found[stream] = (last["request_id"], last["tiers_tried"])
        else:
            raw = client.chat.completions.with_raw_response.create(**body)  # type: ignore[arg-type]
            tried = raw.headers["x-sluice-tiers-tried"].split(",")
            found[stream] = (raw.headers["x-sluice-request-id"], tried)

    async def scenario() -> None:
        await publish_version(kafka, at_once, by="test")
        await uses(gateways, at_once.hash)
        try:
            for stream in (True, False):
                await asyncio.to_thread(ask, stream=stream)
        finally:
            await move_pointer(kafka, first.hash, by="test")
            await uses(gateways, first.hash)

    asyncio.run(scenario())
    assert found[True][1] == ["simple"]
    assert found[False][1][:2] == ["simple", "moderate"]
    for stream, (request_id, _) in found.items():
        query = (
            "SELECT decision_inputs FROM sluice.outcomes WHERE kind = 'replied' "
            f"AND request_id = '{request_id}'"
        )
        poll_until(lambda query=query: bool(rows(gateways.clickhouse_url, query)))  # type: ignore[misc]
        ((inputs,),) = rows(gateways.clickhouse_url, query)
        assert read_classify(inputs).stream is stream


def test_a_retry_at_another_gateway_with_the_idempotency_key_is_not_paid_again(
    gateways: Stack, own_name: str
) -> None:
    key = sluice(gateways, "keys", "create", "--tenant", "acme").strip()
    again = gateways.gateway_url(1)
    headers = {"Idempotency-Key": own_name}
    served = client_of(gateways, 2, key)
    _until_accepted(served)
    before = len(read_ledger(gateways.ledger))
    first = served.chat.completions.create(
        model="gpt-4o",
        messages=HELLO,  # type: ignore[arg-type]
        extra_headers=headers,
    )
    second = openai.OpenAI(base_url=f"{again}/v1", api_key=key).chat.completions.create(
        model="gpt-4o",
        messages=HELLO,  # type: ignore[arg-type]
        extra_headers=headers,
    )
    assert first.id == second.id
    assert len(read_ledger(gateways.ledger)) == before + 1


def _until_accepted(client: openai.OpenAI) -> None:
    def accepted() -> bool:
        try:
            return bool(client.models.list().data)
        except openai.AuthenticationError:
            return False

    poll_until(accepted)


def test_a_key_works_once_it_is_created_and_no_more_once_it_is_revoked(gateways: Stack) -> None:
    made = json.loads(sluice(gateways, "keys", "create", "--tenant", "acme", "--json"))
    client = client_of(gateways, 2, made["key"])
    _until_accepted(client)
    assert made["key_id"] in sluice(gateways, "keys", "list")
    sluice(gateways, "keys", "revoke", made["key_id"])

    def refused() -> bool:
        try:
            client.models.list()
        except openai.AuthenticationError:
            return True
        return False

    poll_until(refused)


def test_a_request_whose_client_left_is_taken_over_by_its_retry(gateways: Stack) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Wait {os.getpid()}"}]}
    url = f"{gateways.gateway_url(1)}/v1/chat/completions"
    switch_faults(gateways.simulator_url, {"kind": "slow", "delay_ms": 2_000})
    before = len(read_ledger(gateways.ledger))
    try:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json=body, timeout=0.5)
        again = httpx.post(url, json=body, timeout=30, headers={"x-stainless-retry-count": "1"})
    finally:
        switch_faults(gateways.simulator_url)
    assert again.status_code == 200
    assert len(read_ledger(gateways.ledger)) == before + 1


def created(client: openai.OpenAI, **options: Any) -> Response:
    """A response of a pinned model."""
    found: Response = client.responses.create(model="gpt-4o", input="What is Kafka?", **options)
    return found


def test_a_response_is_answered_plain_and_as_a_stream(gateways: Stack) -> None:
    client = client_of(gateways)
    plain = client.responses.create(model="auto", input="What is Kafka?", instructions="Be brief.")
    assert plain.status == "completed"
    assert plain.output_text
    assert plain.usage is not None
    assert client.responses.retrieve(plain.id).to_dict() == plain.to_dict()
    with client.responses.stream(model="gpt-4o", input="What is Kafka?") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert final.output_text.strip()
    again = list(client.responses.retrieve(final.id, stream=True, starting_after=3))
    assert [each.to_dict() for each in again] == [
        each.to_dict() for each in client.responses.retrieve(final.id, stream=True)
    ][4:]
    assert again[-1].type == "response.completed"


def test_a_response_in_the_background_is_read_at_another_gateway(gateways: Stack) -> None:
    key = sluice(gateways, "keys", "create", "--tenant", "acme").strip()
    clients = [client_of(gateways, number, key) for number in (1, 2)]
    for client in clients:
        _until_accepted(client)
    first = created(clients[0], background=True)
    assert first.status == "queued"

    def ended() -> bool:
        return clients[1].responses.retrieve(first.id).status == "completed"

    poll_until(ended)
    assert clients[1].responses.retrieve(first.id).output_text
    streamed = list(created(clients[1], background=True, stream=True))
    response_id = streamed[0].response.id
    assert [each.type for each in streamed[:2]] == ["response.created", "response.queued"]
    rest = list(clients[0].responses.retrieve(response_id, stream=True, starting_after=1))
    assert [each.to_dict() for each in rest] == [each.to_dict() for each in streamed[2:]]
    with pytest.raises(openai.NotFoundError):
        client_of(gateways, 1, "another").responses.retrieve(first.id)


def test_a_cancelled_response_ends_once_and_its_call_is_booked_as_interrupted(
    gateways: Stack,
) -> None:
    client = client_of(gateways)
    switch_faults(gateways.simulator_url, {"kind": "slow", "delay_ms": 20_000})
    before = len(read_ledger(gateways.ledger))
    try:
        first = created(client, background=True)
        poll_until(lambda: len(read_ledger(gateways.ledger)) > before)
        ended = client.responses.cancel(first.id)
        again = client.responses.cancel(first.id)
    finally:
        switch_faults(gateways.simulator_url)
    assert ended.status == again.status == client.responses.retrieve(first.id).status == "cancelled"
    request_id = first.id.rpartition("_")[2]
    where = f"WHERE request_id = '{request_id}'"
    ends = f"SELECT status, error_code, calls, cost FROM sluice.requests {where}"
    poll_until(lambda: bool(rows(gateways.clickhouse_url, ends)))
    assert rows(gateways.clickhouse_url, ends) == [["rejected", "cancelled", 1, None]]
    calls = f"SELECT status, cost FROM sluice.calls {where}"
    poll_until(lambda: bool(rows(gateways.clickhouse_url, calls)))
    assert rows(gateways.clickhouse_url, calls) == [["interrupted", None]]
    explained = json.loads(sluice(gateways, "explain", request_id, "--json"))
    assert (explained["status"], explained["others"]) == ("rejected", 0)


def test_more_headers_than_the_limit_close_the_connection(gateways: Stack) -> None:
    url = f"{gateways.gateway_url(1)}/v1/models"
    for headers in ({f"x-{n}": "v" for n in range(400)}, {"x-big": "v" * 100_000}):
        try:
            assert httpx.get(url, headers=headers).status_code == 431
        except httpx.RemoteProtocolError:
            continue
    assert httpx.get(url).status_code == 200
