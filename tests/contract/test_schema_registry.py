"""Schema ids are fetched once, from a registry that may be unreachable or lack them."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from core.confluent_schema_registry import ConfluentRegistry
from core.schema_registry import UNKNOWN_FOR_S, KnownSchemas, MemoryRegistry, SchemaRegistry
from schemas.encoding.avro_schemas import VALUES, whole_schema
from schemas.encoding.codec import Codec, Format
from schemas.errors import SchemaRegistryAwayError, UndecodableError
from tests.rig.kafka.schema_registry import schema_registry


async def _meets_the_port(registry: SchemaRegistry) -> None:
    """What every registry does."""
    schema = whole_schema("Feedback")
    first = await registry.register("sluice.v1.Feedback", schema)

    assert await registry.register("sluice.v1.Feedback", schema) == first
    assert await registry.register("sluice.v1.Reply", whole_schema("Reply")) != first
    assert await registry.schema(first) == schema
    assert await registry.schema(999) is None


def test_the_twin_meets_the_port() -> None:
    asyncio.run(_meets_the_port(MemoryRegistry()))


def test_the_real_adapter_meets_the_port_over_http() -> None:
    async def scenario(url: str) -> None:
        registry = ConfluentRegistry(url)
        await _meets_the_port(registry)
        await registry.close()

    with schema_registry() as server:
        asyncio.run(scenario(server.url))


def test_an_unreachable_registry_differs_from_an_unknown_id() -> None:
    async def scenario(url: str) -> None:
        registry = ConfluentRegistry(url)
        with pytest.raises(SchemaRegistryAwayError, match="SLUICE_SCHEMA_REGISTRY_URL"):
            await registry.schema(1)
        await registry.close()

    with schema_registry() as server:
        server.away = True
        asyncio.run(scenario(server.url))
    asyncio.run(scenario(server.url))


def test_a_schema_that_is_not_avro_is_an_error() -> None:
    async def scenario(url: str, schema_id: int) -> None:
        registry = ConfluentRegistry(url)
        with pytest.raises(UndecodableError, match="complete Avro schemas"):
            await registry.schema(schema_id)
        await registry.close()

    with schema_registry() as server:
        answer = server.answer
        server.answer = lambda *arguments: (  # type: ignore[method-assign]
            answer(*arguments)[0],
            {**answer(*arguments)[1], "schemaType": "PROTOBUF"},
        )
        asyncio.run(scenario(server.url, server.register("x", "syntax")))


def test_our_values_are_registered_and_written_in_frames() -> None:
    async def scenario() -> None:
        registry = MemoryRegistry()
        known = KnownSchemas(registry)
        await known.register(VALUES)
        record = {"request_id": "r1", "tenant": None, "score": 1.0, "label": None, "comment": None}
        written = Codec("Feedback", known).encode(record)

        assert written[:1] == b"\x00"
        assert registry.schemas[int.from_bytes(written[1:5], "big")] == whole_schema("Feedback")
        assert Codec("Feedback", known).decode(written) == record

    asyncio.run(scenario())


def test_a_writers_older_schema_is_fetched_and_read() -> None:
    async def scenario() -> None:
        older = orjson.loads(orjson.dumps(whole_schema("Feedback")))
        older["fields"] = [field for field in older["fields"] if field["name"] != "comment"]
        registry = MemoryRegistry()
        known = KnownSchemas(registry)
        number = await registry.register("theirs", older)
        writer = Codec("Feedback")
        plain = writer.encode({"request_id": "r1", "score": 1.0}, Format.SINGLE_OBJECT)
        framed = b"\x00" + number.to_bytes(4, "big") + plain[10:-1]

        assert await known.learn(number)
        assert Codec("Feedback", known).decode(framed)["request_id"] == "r1"

    asyncio.run(scenario())


def test_an_unknown_id_is_requested_again_only_after_a_delay() -> None:
    async def scenario() -> None:
        now = [0.0]
        registry = MemoryRegistry()
        known = KnownSchemas(registry, now_s=lambda: now[0])

        assert not await known.learn(5)
        registry.schemas[5] = whole_schema("Feedback")
        assert not await known.learn(5)
        assert registry.requests == 1
        now[0] = UNKNOWN_FOR_S + 1
        assert await known.learn(5)

    asyncio.run(scenario())
