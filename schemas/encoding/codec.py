"""Codec for JSON, Avro single-object encoding and Confluent framing.

The first bytes identify the encoding: `C3 01` starts a single-object (Avro 1.12), `00` a Confluent
frame (only with a schema registry), and anything else is read as JSON. JSON is accepted only on
topics that callers write or read (`OPEN_VALUES`). On internal topics it is a bad record, so that
every reader gets values of the declared types. Sluice writes Avro: framed if a schema registry is
set, else single-object. Times are integers, milliseconds since 1970 UTC, in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from io import BytesIO
from typing import Any, Protocol

import orjson
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException

from schemas.encoding import exact_json
from schemas.encoding.avro_bytes import avro_stream
from schemas.encoding.avro_schemas import (
    Schema,
    fingerprint,
    readable_versions,
    whole_schema,
    without_logical_types,
)
from schemas.encoding.foreign_schemas import check_writer_schema
from schemas.encoding.json_bounds import crowd_in
from schemas.encoding.nesting import MAX_CONTAINERS, MAX_VALUES
from schemas.encoding.value_checks import check_sound, clamp
from schemas.errors import UndecodableError

SINGLE_OBJECT_MARK = b"\xc3\x01"
CONFLUENT_MARK = b"\x00"
_HEADER_BYTES = 10
_FRAME_BYTES = 5

OPEN_VALUES = frozenset({"Request", "Reply", "Feedback"})
"""Values on topics of callers, which may be JSON; all others are Avro."""


MAX_OPEN_VALUE_BYTES = 8 * 1024 * 1024
"""Largest such value that is read: the uncompressed limit of their topics. A compressed batch may
contain larger ones.
"""


class Format(StrEnum):
    """The encoding of a value."""

    JSON = "json"
    SINGLE_OBJECT = "single-object"
    CONFLUENT = "confluent"


class SchemaIds(Protocol):
    """Schema registry interface of a codec; it answers from memory, never from the network."""

    def schema(self, schema_id: int) -> Schema | None:
        """Return the writer's schema with this id, or `None` while it is unknown."""
        ...

    def id_of(self, name: str) -> int:
        """Return the id of the current schema of this value in the registry."""
        ...


class UnknownSchemaError(UndecodableError):
    """A Confluent frame has a schema id that the registry does not have (yet)."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is not in the schema registry")
        self.schema_id = schema_id


def format_of(data: bytes, *, framed: bool = False) -> Format:
    """Detect the encoding from the first bytes; `framed` means that a schema registry is set."""
    if data[:2] == SINGLE_OBJECT_MARK:
        return Format.SINGLE_OBJECT
    if framed and data[:1] == CONFLUENT_MARK:
        return Format.CONFLUENT
    return Format.JSON


def schema_id_of(data: bytes) -> int | None:
    """Return the schema id of a Confluent frame; `None` if the bytes are not a frame."""
    if data[:1] != CONFLUENT_MARK or len(data) < _FRAME_BYTES:
        return None
    return int.from_bytes(data[1:_FRAME_BYTES], "big")


@cache
def single_object_header(name: str) -> bytes:
    """Return the prefix of a value of the current schema (Avro 1.12, single-object encoding)."""
    return SINGLE_OBJECT_MARK + fingerprint(whole_schema(name))


class Codec:
    """Reads and writes the values of one record type, by its name in `schemas/avro`."""

    def __init__(self, name: str, ids: SchemaIds | None = None) -> None:
        self.name = name
        self._ids = ids
        self._is_open = name in OPEN_VALUES
        self._header = single_object_header(name)
        self._versions = readable_versions(name)
        self._writer = self._versions[self._header.removeprefix(SINGLE_OBJECT_MARK)]
        self._foreign: dict[int, Any] = {}

    @property
    def format(self) -> Format:
        """Return the encoding in which this codec writes."""
        return Format.CONFLUENT if self._ids else Format.SINGLE_OBJECT

    def encode(self, record: Mapping[str, Any], form: Format | None = None) -> bytes:
        """Encode a record; `form` overrides this codec's own Avro framing.

        Raises:
            ValueError: the record does not fit the schema (a defect in Sluice, not in the input).
        """
        if form is Format.JSON:
            return exact_json.dumps(record)
        out = BytesIO()
        if self._ids is not None and form is not Format.SINGLE_OBJECT:
            out.write(CONFLUENT_MARK + self._ids.id_of(self.name).to_bytes(4, "big"))
        else:
            out.write(self._header)
        schemaless_writer(out, self._writer, record)
        return out.getvalue()

    def decode(self, data: bytes) -> dict[str, Any]:
        """Decode a value in any of the three encodings; on an internal topic in either Avro
        encoding. Numbers of an event are clamped to the bounds of their fields
        (`value_checks.clamp`).

        Raises:
            UnknownSchemaError: a frame has an id that is not in memory; fetch it and try again.
            UndecodableError: the bytes do not contain a record, or it has an invalid time or a
                number that is not finite.
        """
        if self._is_open:
            if len(data) > MAX_OPEN_VALUE_BYTES:
                raise UndecodableError(f"more than {MAX_OPEN_VALUE_BYTES} bytes")
            return self._decode(data)
        record = self._decode(data)
        check_sound(self.name, record)
        clamp(self.name, record)
        return record

    def _decode(self, data: bytes) -> dict[str, Any]:
        form = format_of(data, framed=self._ids is not None)
        if form is Format.JSON:
            return self._decode_json(data)
        if form is Format.SINGLE_OBJECT:
            schema = self._versions.get(data[2:_HEADER_BYTES])
            if schema is None:
                raise UndecodableError(
                    f"no version of {self.name} has the schema fingerprint "
                    f"{data[2:_HEADER_BYTES].hex() or 'of an empty header'}"
                )
            return self._read(data, _HEADER_BYTES, schema)
        return self._decode_frame(data)

    def _decode_json(self, data: bytes) -> dict[str, Any]:
        if not self._is_open:
            raise UndecodableError(f"not Avro: a {self.name} is accepted in Avro only")
        crowd = crowd_in(data, MAX_VALUES, MAX_CONTAINERS)
        if crowd is not None:
            raise UndecodableError(crowd)
        try:
            value = exact_json.loads(data)
        except orjson.JSONDecodeError as error:
            raise UndecodableError(f"not JSON: {error.msg} at byte {error.pos}") from None
        if not isinstance(value, dict):
            raise UndecodableError(f"expected a JSON object, not {type(value).__name__}")
        return value

    def _decode_frame(self, data: bytes) -> dict[str, Any]:
        if self._ids is None or len(data) < _FRAME_BYTES:
            raise UndecodableError("the Confluent frame is truncated")
        schema_id = int.from_bytes(data[1:_FRAME_BYTES], "big")
        if schema_id not in self._foreign:
            found = self._ids.schema(schema_id)
            if found is None:
                raise UnknownSchemaError(schema_id)
            self._foreign[schema_id] = _parsed(found, schema_id)
        return self._read(data, _FRAME_BYTES, self._foreign[schema_id])

    def _read(self, data: bytes, start: int, schema: Any) -> dict[str, Any]:
        stream: Any = avro_stream(data, start)
        reader = None if schema == self._writer else self._writer
        try:
            value = schemaless_reader(stream, schema, reader)
        except (
            EOFError,
            ValueError,
            IndexError,
            TypeError,
            KeyError,
            OverflowError,
            MemoryError,
            SchemaResolutionError,
        ) as error:
            raise UndecodableError(
                f"the Avro bytes are not a {self.name}: {type(error).__name__}"
            ) from None
        if stream.tell() != len(data):
            raise UndecodableError(f"extra bytes after the {self.name}")
        if not isinstance(value, dict):
            raise UndecodableError(f"the schema of the frame is not the record {self.name}")
        return value


def _parsed(schema: Schema, schema_id: int) -> Any:
    check_writer_schema(schema, schema_id)
    try:
        return parse_schema(without_logical_types(schema))
    except (SchemaParseException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UndecodableError(
            f"schema id {schema_id} is not an Avro schema: {type(error).__name__}"
        ) from None
