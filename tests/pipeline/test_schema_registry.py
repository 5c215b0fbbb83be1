"""A pipeline whose Avro is framed for a schema registry, from the caller to ClickHouse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import CONFLUENT_MARK, Codec, Format, single_object_header
from tests.fixtures.pipeline import running_pipeline
from tests.rig.hostile.sender import Sender, sender
from tests.rig.kafka.schema_registry import SchemaRegistryServer, schema_registry
from tests.rig.observed.books import rows
from tests.rig.observed.polling import poll_until
from tests.rig.stack import Stack

QUESTION = {"prompt": "What are your opening hours on Saturday?"}
BY_S = 30.0

_SINGLE_REPLY = single_object_header("Reply")

Case = Callable[[Sender], Awaitable[None]]


@pytest.fixture(scope="module")
def registry() -> Iterator[SchemaRegistryServer]:
    with schema_registry() as server:
        yield server


@pytest.fixture(scope="module")
def framed(registry: SchemaRegistryServer) -> Iterator[Stack]:
    with running_pipeline(SLUICE_SCHEMA_REGISTRY_URL=registry.url) as stack:
        yield stack


def _run(stack: Stack, case: Case) -> None:
    async def scenario() -> None:
        async with sender(stack.bootstrap) as caller:
            await case(caller)
            assert (await caller.ask({**QUESTION}))["status"] == "replied"

    asyncio.run(scenario())


def _in_frame(schema_id: int) -> bytes:
    encoded = Codec("Request").encode(QUESTION, Format.SINGLE_OBJECT)
    return CONFLUENT_MARK + schema_id.to_bytes(4, "big") + encoded[10:]


def _reply_in(frame: bytes) -> dict[str, Any]:
    return Codec("Reply").decode(_SINGLE_REPLY + frame[5:])


def test_a_framed_request_gets_a_framed_reply_and_its_events_are_rows(
    framed: Stack, registry: SchemaRegistryServer
) -> None:
    async def case(caller: Sender) -> None:
        number = registry.subjects["sluice.v1.Request"]
        correlation = await caller.send(_in_frame(number))
        value = (await caller.received(correlation)).record.value

        assert int.from_bytes(value[1:5], "big") == registry.subjects["sluice.v1.Reply"]
        assert _reply_in(value)["status"] == "replied"

    _run(framed, case)
    query = "SELECT request_id FROM sluice.calls"
    poll_until(lambda: bool(rows(framed.clickhouse_url, query)))
    assert framed.processes["sink-1"].alive


def test_an_unknown_schema_id_is_a_dead_letter(framed: Stack) -> None:
    async def case(caller: Sender) -> None:
        value = _in_frame(4_000_000)
        correlation = await caller.send(value)
        dead = await caller.received(correlation, dead=True)

        assert dead.record.value == value
        assert b"4000000" in dead.headers["dlq-reason"]
        reply = _reply_in((await caller.received(correlation)).record.value)
        assert reply["error"]["code"] == "invalid_request"

    _run(framed, case)


def test_a_message_with_a_new_schema_id_waits_for_the_registry_and_is_no_dead_letter(
    framed: Stack, registry: SchemaRegistryServer
) -> None:
    older = json.loads(json.dumps(whole_schema("Request")))
    older["doc"] = "as another team writes it"
    number = registry.register("their-requests-value", json.dumps(older))

    async def case(caller: Sender) -> None:
        registry.away = True
        correlation = await caller.send(_in_frame(number))
        requested = await asyncio.to_thread(registry.wait_until_requested, number, BY_S)
        other = await caller.ask({**QUESTION})
        waiting = caller.count(correlation)
        registry.away = False

        assert requested
        assert other["status"] == "replied"
        assert waiting == 0
        assert (await caller.received(correlation)).record.value[:1] == CONFLUENT_MARK

    _run(framed, case)
