"""Rows of topics that are not Avro: registry entries, dead letters.

They have small Avro schemas here, so that every table is filled in the same way. Of a dead letter
hash, size, headers and cause are kept, but no byte of its key or payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any

import orjson
from fastavro import parse_schema, schemaless_writer

from core.registry_signature import RegistryKeys, UnsignedRecordError
from schemas.bad_records import DLQ_CAUSE, DLQ_REASON, DLQ_SOURCE, DLQ_WORKER
from schemas.encoding.avro_schemas import Schema
from schemas.errors import UndecodableError
from schemas.journal_headers import header_values
from sinks.rows.log_position import LogRecord

REFUSED = "refused"
"""Cause of a readable dead letter that ClickHouse rejects in its own table."""

KEPT_HEADERS = (
    *("correlation-id", "reply-topic", "traceparent", "content-type"),
    *("kafka_correlationId", "kafka_replyTopic"),
)
"""Headers of a dead letter that are stored. Other headers may be sensitive, such as
`authorization`.
"""

MAX_HEADER_CHARACTERS = 256

_OWN_HEADERS = {
    "cause": DLQ_CAUSE,
    "reason": DLQ_REASON,
    "source": DLQ_SOURCE,
    "worker": DLQ_WORKER,
}


def _record(name: str, **fields: Any) -> Schema:
    declared = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "namespace": "sluice.sink", "fields": declared}


REGISTRY_ENTRY = _record(
    "RegistryEntry", entry="string", version="string", published_by="string", size="long"
)
DEAD_LETTER = _record(
    "DeadLetter",
    cause="string",
    reason="string",
    source="string",
    worker="string",
    sha256="string",
    size="long",
    key_size="long",
    headers={"type": "map", "values": "string"},
)


_PARSED = {schema["name"]: parse_schema(schema) for schema in (REGISTRY_ENTRY, DEAD_LETTER)}


def _encoded(schema: Schema, record: Mapping[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, _PARSED[schema["name"]], record)
    return out.getvalue()


def registry_entry(record: LogRecord, keys: RegistryKeys | None = None) -> bytes:
    """Return the row of a registry record: `registry/<hash>`, `artifact/<hash>`, or the pointer.

    Raises:
        UndecodableError: its key or its pointer is malformed, or no key signed it.
    """
    if keys is not None:
        try:
            keys.check(record.key or b"", record.value, record.headers, record.offset)
        except UnsignedRecordError as error:
            raise UndecodableError(str(error)) from None
    entry, _, version = _text(record.key or b"").partition("/")
    published_by = ""
    if entry == "current" and record.value is not None:
        pointer = _json_object(record.value)
        version, published_by = _clipped(pointer.get("registry")), _clipped(pointer.get("by"))
    if not entry:
        raise UndecodableError("the registry record has no key")
    row = {
        "entry": entry,
        "version": version,
        "published_by": published_by,
        "size": len(record.value or b""),
    }
    return _encoded(REGISTRY_ENTRY, row)


def dead_letter(record: LogRecord, *, cause: str = "", reason: str = "", worker: str = "") -> bytes:
    """Return the row of a dead letter; missing arguments are taken from its `dlq-*` headers."""
    headers = header_values(record.headers)
    own = {field: _shown(headers.pop(name, b"")) for field, name in _OWN_HEADERS.items()}
    given = {"cause": cause, "reason": reason, "worker": worker}
    value = record.value or b""
    row = {
        **own,
        **{field: text for field, text in given.items() if text},
        "sha256": sha256(value).hexdigest(),
        "size": len(value),
        "key_size": len(record.key or b""),
        "headers": {name: _shown(headers[name]) for name in KEPT_HEADERS if name in headers},
    }
    return _encoded(DEAD_LETTER, row)


def _shown(value: bytes) -> str:
    return value.decode(errors="replace")[:MAX_HEADER_CHARACTERS]


def _clipped(value: Any) -> str:
    """Return a text of the pointer; empty for any other value."""
    return value[:MAX_HEADER_CHARACTERS] if isinstance(value, str) else ""


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise UndecodableError("the key is not UTF-8") from None


def _json_object(value: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error.msg} at byte {error.pos}") from None
    if not isinstance(document, dict):
        raise UndecodableError("expected a JSON object")
    return document
