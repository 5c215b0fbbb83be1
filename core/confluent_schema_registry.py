"""A schema registry with Confluent's HTTP interface, over Confluent's client."""

from __future__ import annotations

import orjson
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient
from confluent_kafka.schema_registry import Schema as RegisteredSchema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from schemas.encoding.avro_schemas import Schema
from schemas.errors import ConfigurationError, SchemaRegistryAwayError, UndecodableError

TIMEOUT_S = 5.0
_NOT_FOUND = 404


class ConfluentRegistry:
    """A registry with Confluent's HTTP interface; its URL may contain user and password.

    Raises:
        ConfigurationError: it is no http(s) URL.
    """

    def __init__(self, url: str) -> None:
        if not url.isprintable() or not url.startswith(("http://", "https://")):
            raise ConfigurationError(
                "SLUICE_SCHEMA_REGISTRY_URL must be an http(s) URL such as http://localhost:8081"
            )
        self._client = AsyncSchemaRegistryClient(
            {"url": url, "timeout": TIMEOUT_S, "max.retries": 0}
        )

    async def close(self) -> None:
        """See `SchemaRegistry.close`."""
        await self._client.aclose()

    async def schema(self, schema_id: int) -> Schema | None:
        """See `SchemaRegistry.schema`."""
        try:
            found = await self._client.get_schema(schema_id)
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_FOUND:
                return None
            raise _away(error) from error
        except Exception as error:
            # The HTTP library, and so the exception type, depends on the installed packages.
            raise _away(error) from error
        if found.schema_type != "AVRO" or found.references:
            raise UndecodableError(
                f"schema id {schema_id} is {found.schema_type}"
                + (" with references" if found.references else "")
                + "; only complete Avro schemas are supported"
            )
        schema: Schema = orjson.loads(found.schema_str or "null")
        return schema

    async def register(self, name: str, schema: Schema) -> int:
        """See `SchemaRegistry.register`."""
        wanted = RegisteredSchema(orjson.dumps(schema).decode(), "AVRO")
        try:
            return int(await self._client.register_schema(name, wanted))
        except Exception as error:
            raise _away(error) from error


def _away(error: Exception) -> SchemaRegistryAwayError:
    if isinstance(error, SchemaRegistryError):
        reason = f"HTTP {error.http_status_code}, {error.error_message}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return SchemaRegistryAwayError(
        f"the schema registry request failed ({reason}); check SLUICE_SCHEMA_REGISTRY_URL"
    )
