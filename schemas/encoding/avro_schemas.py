"""The Avro schemas: read from `avro/`, with shared records resolved and fingerprints.

`history/<Name>/<n>.avsc` holds every released version, complete. A released version is never
edited. Each current schema must read all of them and be readable by them (`tests/contract`).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import orjson
from fastavro import parse_schema
from fastavro.schema import expand_schema, to_parsing_canonical_form
from fastavro.schema import fingerprint as crc_fingerprint

SHARED = ("source", "error", "decision", "attempt", "answer", "reply_address")
"""Records used inside others, in dependency order."""

VALUES = {
    "Request": "request",
    "TierMessage": "tier_message",
    "Reply": "reply",
    "CostEvent": "cost_event",
    "QualityEvent": "quality_event",
    "OutcomeEvent": "outcome_event",
    "Feedback": "feedback",
    "Alert": "alert",
    "BudgetEntry": "budget_entry",
    "ReplayDecision": "replay_decision",
}
"""Record name of each topic value, to the file that declares it."""

Schema = dict[str, Any]
Parsed = Any
"""A schema as returned by fastavro's `parse_schema`."""


def _read(*path: str) -> Schema:
    text = resources.files("schemas").joinpath(*path).read_bytes()
    document: Schema = orjson.loads(text)
    return document


@cache
def whole_schema(name: str) -> Schema:
    """Return the current schema of a value by record name, with every shared record inlined."""
    known: dict[str, Any] = {}
    for file in SHARED:
        parse_schema(_read("avro", f"{file}.avsc"), named_schemas=known)
    parsed = parse_schema(_read("avro", f"{VALUES[name]}.avsc"), named_schemas=known)
    return _self_contained(expand_schema(parsed))


def _self_contained(expanded: Any) -> Schema:
    """Keep the first definition of each named type and refer to it by name afterwards."""
    seen: set[str] = set()

    def visit(node: Any) -> Any:
        if isinstance(node, list):
            return [visit(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("type") == "record":
            if node["name"] in seen:
                return node["name"]
            seen.add(node["name"])
        return {key: visit(value) for key, value in node.items() if not key.startswith("__")}

    result: Schema = visit(expanded)
    return result


@cache
def released_schemas(name: str) -> tuple[Schema, ...]:
    """Return every released version of a value's schema, oldest first."""
    folder = resources.files("schemas").joinpath("history", name)
    if not folder.is_dir():
        return ()
    files = [entry.name for entry in folder.iterdir() if entry.name.endswith(".avsc")]
    numbered = sorted(files, key=lambda file: int(file.removesuffix(".avsc")))
    return tuple(_read("history", name, file) for file in numbered)


def fingerprint(schema: Schema) -> bytes:
    """Return the 8-byte CRC-64-AVRO fingerprint, little-endian (Avro 1.12, single-object)."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return bytes.fromhex(crc_fingerprint(canonical, "CRC-64-AVRO"))


@cache
def readable_versions(name: str) -> dict[bytes, Parsed]:
    """Return every readable version of a value by fingerprint, with times as integers."""
    versions = (*released_schemas(name), whole_schema(name))
    return {
        fingerprint(version): parse_schema(without_logical_types(version)) for version in versions
    }


def without_logical_types(node: Any) -> Any:
    """Return the same schema with plain integers for times: datetimes are slow."""
    if isinstance(node, list):
        return [without_logical_types(item) for item in node]
    if isinstance(node, dict):
        return {
            key: without_logical_types(value)
            for key, value in node.items()
            if key != "logicalType" and not key.startswith("__")
        }
    return node
