"""Records for every reader of every topic: good values changed in places, and what is no value."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from schemas.encoding.avro_schemas import whole_schema
from schemas.encoding.codec import SINGLE_OBJECT_MARK, Codec, single_object_header
from schemas.topics import REGISTRY, WORKERS
from tests.fuzz.values import NUMBERS, WORDS, anything, changed
from tests.rig.hostile.bad_records import (
    EXTREMES,
    HEADERS,
    JSON_VALUES,
    KEYS,
    BadRecord,
    least,
    value_name,
)
from tests.rig.kafka.topic_readers import TopicReader, readings

READINGS = readings()
"""Every reader with each of its topics: what a number chooses from."""

_REGISTRY = b"""{"tiers": ["simple", "moderate", "complex"], "models": {"m": {"provider": "openai",
"tier": "simple", "instances": [{"name": "a", "base_url": "http://localhost/1"}]}}}"""
_STATUS = b'{"worker": "w", "incarnation": "i", "tiers": ["simple"], "hosts": [], "keys": ["K"]}'
_POINTER = b'{"registry": "0123456789abcdef", "by": "ada", "before": ["0123456789abcdef"]}'


def make_record(seed: int, number: int) -> tuple[TopicReader, str, BadRecord]:
    """The reader, topic and record of this number."""
    draw = Random(f"records/{seed}/{number}")
    reader, topic = draw.choice(READINGS)
    kind, value = _value(topic, draw)
    return reader, topic, BadRecord(what=kind, key=_key(draw), value=value, headers=_headers(draw))


def _value(topic: str, draw: Random) -> tuple[str, bytes | None]:
    name = value_name(topic)
    kind = draw.choice(("avro", "avro", "avro", "bytes", "json", "listed"))
    if kind == "listed":
        return kind, draw.choice((None, b"", *JSON_VALUES.values()))
    if kind == "json" or name is None:
        document: Any = orjson.loads(_document(topic, draw))
        for _ in range(draw.randint(0, 3)):
            document = changed(document, draw)
        return "json", _damaged(orjson.dumps(document), draw) if draw.random() < 0.2 else (
            orjson.dumps(document)
        )
    encoded = Codec(name).encode(_record(whole_schema(name), draw))
    if kind == "avro":
        return kind, encoded
    start = draw.choice((single_object_header(name), SINGLE_OBJECT_MARK, b"\x00\x00\x00\x00\x01"))
    return kind, draw.choice(
        (_damaged(encoded, draw), start + draw.randbytes(draw.randint(0, 200)))
    )


def _document(topic: str, draw: Random) -> bytes:
    if topic == REGISTRY:
        return draw.choice((_REGISTRY, _POINTER))
    if topic == WORKERS:
        return _STATUS
    return draw.choice((_POINTER, b'{"prompt": "Hi"}', b'{"tenant": "acme", "hop": 0}'))


def _record(schema: Any, draw: Random) -> dict[str, Any]:
    """A value of this schema with some fields at an extreme, or at random."""
    record = least(schema)
    for field in schema["fields"]:
        if draw.random() < 0.3:
            record[field["name"]] = _field(field["type"], draw)
    return record


def _field(kind: Any, draw: Random) -> Any:
    if isinstance(kind, list):
        return _field(draw.choice(kind), draw)
    inner = kind if isinstance(kind, dict) else {"type": kind}
    name = inner["type"]
    if name == "record":
        return _record(inner, draw)
    if name == "array":
        return [_field(inner["items"], draw) for _ in range(draw.choice((0, 1, 3, 60)))]
    if name == "map":
        count = draw.randint(0, 4)
        return {draw.choice(WORDS): _field(inner["values"], draw) for _ in range(count)}
    return _plain(name, draw)


def _plain(name: str, draw: Random) -> Any:
    limit = 2**31 if name == "int" else 2**63
    integers = [each for each in NUMBERS if isinstance(each, int) and -limit <= each < limit]
    as_json = orjson.dumps(anything(draw))
    choices: dict[str, tuple[Any, ...]] = {
        "null": (None,),
        "boolean": (True, False),
        "string": (*WORDS, as_json.decode()),
        "bytes": (as_json,),
        "double": (0.5, -1.0),
        "int": (*integers, 0, 1),
        "long": (*integers, 1_700_000_000_000),
    }
    return draw.choice((*EXTREMES.get(name, ()), *choices[name]))


def _damaged(value: bytes, draw: Random) -> bytes:
    encoded = bytearray(value)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(encoded) + 1)
        what = draw.randrange(3)
        if what == 0:
            encoded[at : at + 1] = bytes([draw.randrange(256)])
        elif what == 1:
            encoded[at:at] = draw.randbytes(draw.randint(1, 9))
        else:
            del encoded[at : at + draw.randint(1, 20)]
    return bytes(encoded)


def _key(draw: Random) -> bytes | None:
    return draw.choice((*KEYS.values(), b"acme/r1", b"default/r2", draw.randbytes(8)))


def _headers(draw: Random) -> tuple[tuple[str, bytes | None], ...]:
    found = list(HEADERS[draw.choice(sorted(HEADERS))])
    for _ in range(draw.choice((0, 0, 1, 3))):
        name = draw.choice([each for each, _ in found] or ["kind"])
        text = draw.choice((*WORDS, "0", "-1", "9" * 19, "9" * 5_000, "replied", "started"))
        found.append((name, draw.choice((None, text.encode(errors="replace")))))
    draw.shuffle(found)
    return tuple(found)
