"""Schema ids of Confluent framing: kept in memory, fetched once from the registry that knows them.

A codec asks its memory only. Who decodes an id for the first time lets it be learnt and decodes
again; a registry that does not answer is asked again by its caller, so that an outage of it turns
no message into a dead letter. Our own values are registered when a process starts, each under its
record's full name (Confluent's RecordNameStrategy), since one value lies on many topics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from schemas.encoding.avro_schemas import Schema, whole_schema
from schemas.errors import SchemaRegistryAwayError

UNKNOWN_FOR_S = 30.0
"""How long the registry is not asked again for an id that it did not know."""

MAX_UNKNOWN = 10_000


class SchemaRegistry(Protocol):
    """What is asked of a schema registry."""

    async def schema(self, schema_id: int) -> Schema | None:
        """The schema with this id; `None` if there is none.

        Raises:
            SchemaRegistryAwayError: it did not answer, or not with an answer.
            UndecodableError: what has this id can't be used to read Avro.
        """
        ...

    async def register(self, name: str, schema: Schema) -> int:
        """The id of this schema under the subject `name`, registered if it was not.

        Raises:
            SchemaRegistryAwayError: it did not answer, or refused.
        """
        ...

    async def close(self) -> None:
        """Give its connections back."""
        ...


class KnownSchemas:
    """The ids seen so far (`schemas.encoding.codec.SchemaIds`), and how more are learnt."""

    def __init__(
        self, registry: SchemaRegistry, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._now_s = now_s
        self._schemas: dict[int, Schema] = {}
        self._ids: dict[str, int] = {}
        self._unknown: dict[int, float] = {}

    def schema(self, schema_id: int) -> Schema | None:
        """The schema with this id, if it was learnt."""
        return self._schemas.get(schema_id)

    def id_of(self, name: str) -> int:
        """The id of one of our own values.

        Raises:
            KeyError: it was not registered when the process started.
        """
        return self._ids[name]

    async def register(self, names: Iterable[str]) -> None:
        """Register the current schemas of these values.

        Raises:
            SchemaRegistryAwayError: the registry did not answer, or refused one.
        """
        for name in names:
            schema = whole_schema(name)
            schema_id = await self._registry.register(schema["name"], schema)
            self._ids[name] = schema_id
            self._schemas[schema_id] = schema

    async def close(self) -> None:
        """Give the registry's connections back."""
        await self._registry.close()

    async def learn(self, schema_id: int) -> bool:
        """Whether the id is known now; a registry that said no is not asked again at once.

        Raises:
            SchemaRegistryAwayError: nobody can say; ask again.
            UndecodableError: what has this id can't be used to read Avro.
        """
        if schema_id in self._schemas:
            return True
        if self._unknown.get(schema_id, 0.0) > self._now_s():
            return False
        found = await self._registry.schema(schema_id)
        if found is None:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[schema_id] = self._now_s() + UNKNOWN_FOR_S
            return False
        self._schemas[schema_id] = found
        return True


class MemoryRegistry:
    """A registry in memory; `away` makes it silent."""

    def __init__(self) -> None:
        self.schemas: dict[int, Schema] = {}
        self.away = False
        self.asked = 0

    async def schema(self, schema_id: int) -> Schema | None:
        """See `SchemaRegistry.schema`."""
        self._answer()
        return self.schemas.get(schema_id)

    async def register(self, name: str, schema: Schema) -> int:
        """See `SchemaRegistry.register`."""
        self._answer()
        for schema_id, known in self.schemas.items():
            if known == schema:
                return schema_id
        self.schemas[len(self.schemas) + 1] = schema
        return len(self.schemas)

    async def close(self) -> None:
        """See `SchemaRegistry.close`."""

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise SchemaRegistryAwayError("the schema registry in memory is away")


def known_schemas(url: str | None) -> KnownSchemas | None:
    """The schemas of the registry at this address, none learnt yet; `None` without an address."""
    if url is None:
        return None
    from core.confluent_schema_registry import ConfluentRegistry  # noqa: PLC0415 - costs 0.3 s

    return KnownSchemas(ConfluentRegistry(url))
