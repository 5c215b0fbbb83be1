"""Malformed records for any topic: one list for every reader.

Listed by hand: records that broke a reader once, and similar ones. Generated from the schema: a
good value of the topic with each field at an extreme of its type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import SINGLE_OBJECT_MARK, Codec, single_object_header
from schemas.topics import (
    ALERTS,
    BUDGETS,
    COST,
    DEAD_LETTER_SUFFIX,
    FEEDBACK,
    GATEWAY_REPLIES,
    GATEWAY_REQUESTS,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
    REPLIES,
    REQUESTS,
    WORKERS,
    is_tier_topic,
)

RawHeaders = list[tuple[str, bytes | None]]
VALUE_OF = {
    REQUESTS: "Request",
    GATEWAY_REQUESTS: "Request",
    REPLIES: "Reply",
    GATEWAY_REPLIES: "Reply",
    COST: "CostEvent",
    QUALITY: "QualityEvent",
    OUTCOMES: "OutcomeEvent",
    FEEDBACK: "Feedback",
    ALERTS: "Alert",
    BUDGETS: "BudgetEntry",
    REPLAY_DECISIONS: "ReplayDecision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """A record; `what` describes its fault."""

    what: str
    key: bytes | None = b"acme/r1"
    value: bytes | None = b"\xff"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def value_name(topic: str) -> str | None:
    """Name of the Avro record on a topic; `None` where there is none."""
    if is_tier_topic(topic) or topic.startswith("llm.wait."):
        return "TierMessage"
    return VALUE_OF.get(topic)


_HUGE = b"9" * 5_000
JOURNAL: RawHeaders = [
    *[("kind", b"replied"), ("hop", b"0"), ("visit", b"0"), ("origin", b"llm.requests.v1:0:1")],
    *[("reply-digest", b"d"), ("worker", b"w0"), ("incarnation", b"i0")],
]
STARTED: RawHeaders = [
    *[("kind", b"started"), *JOURNAL[1:], ("call-id", b"c1"), ("lease-until", b"1")],
]
HEADERS: dict[str, RawHeaders] = {
    "no headers": [],
    "null headers": [(name, None) for name, _ in STARTED],
    "an end": JOURNAL,
    "a start": STARTED,
    "a null kind": [("kind", None), *JOURNAL[1:]],
    "a null hop": [("kind", b"started"), ("hop", None), *STARTED[2:]],
    "a hop of 5,000 digits": [*JOURNAL, ("hop", _HUGE), ("visit", _HUGE)],
    "a hop of more than 64 bits": [*JOURNAL, ("hop", b"9" * 19), ("visit", b"0")],
    "a started hop of 33 bits": [*STARTED, ("hop", b"4294967296")],
    "a lease for ever": [*STARTED, ("lease-until", b"9" * 19)],
    "a hop of 64 bits": [*JOURNAL, ("hop", b"9223372036854775807"), ("visit", b"-1")],
    "a lease without end": [*STARTED, ("lease-until", b"9223372036854775807")],
    "a lease of 5,000 digits": [*STARTED, ("lease-until", _HUGE)],
    "a kind that is not UTF-8": [("kind", b"\xff"), *JOURNAL[1:]],
    "an unknown kind": [("kind", b"dreamt"), *JOURNAL[1:]],
    "a call id that is not UTF-8": [*STARTED, ("call-id", b"\xff\xfe")],
    "an empty call id": [*STARTED, ("call-id", b"")],
    "a reply place without end": [*JOURNAL, ("reply-at", b"replies:%b:%b" % (_HUGE, _HUGE))],
    "a name that is not ASCII": [("\ufffd", b"1"), *JOURNAL],
    "a tier that is gone": [*JOURNAL, ("bound-for", b"llm.tier.gone.v1")],
    "a topic that is none": [*JOURNAL, ("bound-for", b"../\xff")],
    "a null reply topic": [("reply-topic", None), ("correlation-id", None)],
    "a null traceparent": [("traceparent", None), ("kafka_replyPartition", None)],
}
KEYS: dict[str, bytes | None] = {
    "no key": None,
    "an empty key": b"",
    "a key that is not UTF-8": b"\xff\xfe/\xff",
    "a key without a slash": b"acme",
    "a key of slashes": b"///",
    "a registry key that is not UTF-8": b"registry/\xff\xfe",
    "an artifact key that is not UTF-8": b"artifact/\xff",
    "a registry key of another length": b"registry/abc",
    "the pointer": b"current",
    "a version": b"registry/0123456789abcdef",
    "an artifact": b"artifact/0123456789abcdef",
    "a ledger key with a long number": b'["b","m","s",99999999999999999999999,0]',
    "a ledger key of 3,000 levels": b"[" * 3_000,
}
JSON_VALUES: dict[str, bytes] = {
    "an empty object": b"{}",
    "a list": b"[]",
    "a number": b"1",
    "null as JSON": b"null",
    "3,000 levels of lists": b"[" * 3_000 + b"]" * 3_000,
    "3,000 levels of objects": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    **{
        f"{levels} levels of {what}": opened * levels + inner + closed * levels
        # JSON is read up to 1,024 levels, and written up to 254.
        for levels in (200, 253, 255, 900, 1_000, 1_020, 1_023)
        for what, opened, inner, closed in (
            ("lists", b"[", b"", b"]"),
            ("objects", b'{"a":', b"1", b"}"),
            ("lists and objects", b'[{"tiers":', b"[]", b"}]"),
        )
        if levels * len(closed) <= 1_100
    },
    **{
        f"{levels} levels in a {what}": b"%b%b%b}" % (head, b"[" * levels, b"]" * levels)
        for levels in (900, 1_000, 1_020)
        for what, head in (
            ("registry", b'{"tiers": ["simple"], "models": '),
            ("pointer", b'{"by": "ada", "registry": '),
            ("pointer's way back", b'{"registry": "0123456789abcdef", "by": "", "before": '),
            ("worker's status", b'{"worker": "w", "incarnation": "i", "tiers": '),
            ("signature", b'{"v": 1, "signature": "s", "body": '),
            ("reply", b'{"request_id": "r1", "status": "replied", "message": '),
            ("artifact", b'{"sluice_artifact": "0123456789abcdef", "body": '),
        )
    },
    "900 levels of YAML": b"a: " + b"[" * 900 + b"]" * 900,
    "900 levels of YAML blocks": b"".join(b" " * level + b"a:\n" for level in range(900)),
    "a number of 400 digits": b'{"at":' + b"9" * 400 + b"}",
    "a number over 64 bits": b'{"tiers": [99999999999999999999999999]}',
    "an impossible date": b"tiers: [2026-13-45]",
    "a date": b'{"tiers": ["a"], "models": {"m": 2026-02-31}}',
    "half a surrogate": b'{"registry": "\\ud800", "by": "ada"}',
    "a pointer that is a list": b'["a"]',
    "a pointer to a list": b'{"registry": [], "by": "ada"}',
    "a pointer to an object": b'{"registry": {"a": 1}, "by": "ada"}',
    "a pointer by a list": b'{"registry": "0123456789abcdef", "by": []}',
    "a pointer with an odd way back": b'{"registry": "0123456789abcdef", "by": "", "before": [1]}',
    "a pointer to what is not there": b'{"registry": "0123456789abcdef", "by": "ada"}',
    "an event as JSON": orjson.dumps(
        {
            "tenant": "acme", "request_id": "r1", "call_id": [], "at": "yesterday",
            "cost_nano": "1", "purpose": "answer", "kind": "started", "hop": "0",
        }
    ),
    "a tier message as JSON": b'{"tenant": "acme", "request_id": "r1", "hop": 0}',
    "a budget entry as JSON": b'{"budget": "b", "meter": "m", "offset": "x"}',
    "an alert as JSON": b'{"rule": "r", "subject": null, "state": "fired", "at": "now"}',
    "a status of other types": b'{"worker": [], "incarnation": 1, "tiers": {"a": 1}}',
    "a status with odd lists": b'{"worker": "w", "incarnation": "i", "hosts": [1], "keys": "K"}',
    "YAML that refers to itself": b"a: &a [*a]",
    "YAML whose aliases multiply": b"a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]",
}  # fmt: skip


def bad_records(topic: str) -> Iterator[BadRecord]:
    """Every bad record of a topic; some are good by chance, which no reader may mind."""
    name = value_name(topic)
    good = None if name is None else Codec(name).encode(least(whole_schema(name)))
    values = dict(_values(name))
    for what, value in values.items():
        yield BadRecord(what=what, value=value, headers=tuple(STARTED))
    for what, key in KEYS.items():
        for inner in (None, b"\xff", good, *(JSON_VALUES[each] for each in _FOR_KEYS)):
            yield BadRecord(what=what, key=key, value=inner, headers=tuple(JOURNAL))
    for what, headers in HEADERS.items():
        for inner in (b"\xff", good, None):
            yield BadRecord(what=what, value=inner, headers=tuple(headers))


_FOR_KEYS = tuple(JSON_VALUES)


def _values(name: str | None) -> Iterator[tuple[str, bytes | None]]:
    yield "a null value", None
    yield "an empty value", b""
    yield "bytes", bytes(range(256))
    yield "a single-object mark alone", SINGLE_OBJECT_MARK
    yield "an unknown fingerprint", SINGLE_OBJECT_MARK + b"\x00" * 20
    yield "a Confluent frame", b"\x00\x00\x00\x00\x07abc"
    yield from JSON_VALUES.items()
    if name is None:
        return
    header = single_object_header(name)
    yield "nothing behind the header", header
    yield "bytes behind the header", header + b"\xff" * 50
    yield "a length of 2^62", header + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"
    codec, schema = Codec(name), whole_schema(name)
    good = least(schema)
    yield "half of a good value", codec.encode(good)[:-3]
    yield "a good value and more", codec.encode(good) + b"x"
    for what, changed in _extremes(good, schema, ""):
        yield what, codec.encode(changed)


def _extremes(good: dict[str, Any], schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in schema["fields"]:
        for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
            inner = kind if isinstance(kind, dict) else {"type": kind}
            if inner["type"] == "record":
                for what, changed in _extremes(least(inner), inner, f"{path}{field['name']}."):
                    yield what, {**good, field["name"]: changed}
                continue
            for value in EXTREMES.get(inner["type"], ()):
                shown = str(value)[:24]
                yield f"{path}{field['name']} = {shown}", {**good, field["name"]: value}


EXTREMES: dict[str, tuple[Any, ...]] = {
    "long": (2**63 - 1, -(2**63), 2**62, -1),
    "int": (2**31 - 1, -(2**31), -1),
    "double": (float("inf"), float("-inf"), float("nan"), 1e308),
    "string": ("", "\x00", "\x1b]52;c;x\x07", "x" * 70_000, "{", "[" * 3_000, "9999-12", "a/b/c"),
    "bytes": (b"", b"\xff", b"[" * 3_000, b'{"messages": [' + b"9" * 400 + b"]}"),
}


def least(schema: Any) -> dict[str, Any]:
    """A good value with only the required fields."""
    return {
        field["name"]: _least_of(field["type"], field["name"])
        for field in schema["fields"]
        if "default" not in field
    }


_NAMED: dict[str, Any] = {
    "tenant": "acme",
    "request_id": "r1",
    "tier": "simple",
    "state": "fired",
    "kind": "replied",
    "registry_version": "v",
    "format": "json",
    "topic": "llm.replies.v1",
    "messages": None,
    "at": 1_700_000_000_000,
    "timestamp": 1_700_000_000_000,
    "deadline_at": 1_700_000_600_000,
    "body": b'{"messages": [{"role": "user", "content": "capital?"}]}',
}


def _least_of(kind: Any, name: str) -> Any:
    if isinstance(kind, list):
        return None if "null" in kind else _least_of(kind[0], name)
    inner = kind["type"] if isinstance(kind, dict) else kind
    if inner == "record":
        return least(kind)
    if name in _NAMED:
        return _NAMED[name]
    return {
        "string": "x",
        "long": 0,
        "int": 0,
        "double": 0.0,
        "boolean": False,
        "bytes": b"",
        "array": [],
        "map": {},
    }[inner]


def is_dead_letters(topic: str) -> bool:
    """Whether a topic contains dead letters."""
    return topic.endswith(DEAD_LETTER_SUFFIX)


__all__ = ["REGISTRY", "WORKERS", "BadRecord", "bad_records", "is_dead_letters", "value_name"]
