"""Schema ids of Confluent framing: cached in memory, fetched once from the registry.

A codec reads only the cache. The decoder of an unknown id fetches it and decodes again. If the
registry does not answer, the caller retries, so that its outage never causes a dead letter.
Sluice's own values are registered at startup, each under its record's full name (Confluent's
RecordNameStrategy), since one value is on many topics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from schemas.encoding.avro_schemas import Schema, whole_schema
from schemas.errors import SchemaRegistryAwayError

UNKNOWN_FOR_S = 30.0
"""Pause before an unknown id is requested again."""

MAX_UNKNOWN = 10_000


class SchemaRegistry(Protocol):
    """Interface of a schema registry."""

    async def schema(self, schema_id: int) -> Schema | None:
        """Return the schema with this id; `None` if there is none.

        Raises:
            SchemaRegistryAwayError: no valid response.
            UndecodableError: the schema with this id cannot be used to read Avro.
        """
        ...

    async def register(self, name: str, schema: Schema) -> int:
        """Return the id of this schema under the subject `name`, registering it if needed.

        Raises:
            SchemaRegistryAwayError: no response, or a rejection.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class KnownSchemas:
    """Cache of schema ids (`schemas.encoding.codec.SchemaIds`), with lookup of new ones."""

    def __init__(
        self, registry: SchemaRegistry, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._now_s = now_s
        self._schemas: dict[int, Schema] = {}
        self._ids: dict[str, int] = {}
        self._unknown: dict[int, float] = {}

    def schema(self, schema_id: int) -> Schema | None:
        """Return the cached schema with this id."""
        return self._schemas.get(schema_id)

    def id_of(self, name: str) -> int:
        """Return the id of one of Sluice's own values.

        Raises:
            KeyError: it was not registered at startup.
        """
        return self._ids[name]

    async def register(self, names: Iterable[str]) -> None:
        """Register the current schemas of these values.

        Raises:
            SchemaRegistryAwayError: no response, or a rejection.
        """
        for name in names:
            schema = whole_schema(name)
            schema_id = await self._registry.register(schema["name"], schema)
            self._ids[name] = schema_id
            self._schemas[schema_id] = schema

    async def close(self) -> None:
        """Close the registry's connections."""
        await self._registry.close()

    async def learn(self, schema_id: int) -> bool:
        """Fetch an id and return whether it is known now; an id unknown to the registry is not
        requested again at once.

        Raises:
            SchemaRegistryAwayError: no response; retry.
            UndecodableError: the schema with this id cannot be used to read Avro.
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
    """An in-memory registry; `away` simulates an outage."""

    def __init__(self) -> None:
        self.schemas: dict[int, Schema] = {}
        self.away = False
        self.requests = 0

    async def schema(self, schema_id: int) -> Schema | None:
        """See `SchemaRegistry.schema`."""
        self._respond()
        return self.schemas.get(schema_id)

    async def register(self, name: str, schema: Schema) -> int:
        """See `SchemaRegistry.register`."""
        self._respond()
        for schema_id, known in self.schemas.items():
            if known == schema:
                return schema_id
        self.schemas[len(self.schemas) + 1] = schema
        return len(self.schemas)

    async def close(self) -> None:
        """See `SchemaRegistry.close`."""

    def _respond(self) -> None:
        self.requests += 1
        if self.away:
            raise SchemaRegistryAwayError("the in-memory schema registry is down")


def known_schemas(url: str | None) -> KnownSchemas | None:
    """Return an empty cache for the registry at this URL; `None` without a URL."""
    if url is None:
        return None
    from core.confluent_schema_registry import ConfluentRegistry  # noqa: PLC0415 - costs 0.3 s

    return KnownSchemas(ConfluentRegistry(url))
