"""The inputs: one for each number of a seed, reproducible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import orjson

from schemas.encoding.codec import (
    CONFLUENT_MARK,
    SINGLE_OBJECT_MARK,
    Codec,
    Format,
    single_object_header,
)
from tests.fuzz.values import (
    NUMBERS,
    WORDS,
    anything,
    changed,
    full_request,
    valid_request,
    wrongly_typed,
)

Headers = list[tuple[str, bytes]]
LARGE_SHARE = 0.0005
"""Share of inputs of many bytes: each takes as long as hundreds of others."""


_AGES_MS = (*[0] * 12, 5, 59_999, 700_000, -3_600_000, 10**14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One record as a caller could have written it; `ago_ms` is its age when it is read."""

    kind: str
    value: bytes | None
    key: bytes | None
    headers: Headers
    ago_ms: int


def make_input(seed: int, number: int) -> Input:
    """The input of this number."""
    draw = Random(f"{seed}/{number}")
    table = LARGE if draw.random() < LARGE_SHARE else KINDS
    kind = draw.choice(sorted(table))
    return Input(
        kind=kind,
        value=table[kind](draw),
        key=draw.choice((None, b"", b"k", b"\xff\x00", b"a/b", b"k" * 5_000)),
        headers=_headers(draw),
        ago_ms=draw.choice(_AGES_MS),
    )


def _valid(draw: Random) -> bytes:
    return orjson.dumps(valid_request(draw))


def _mutated(draw: Random) -> bytes:
    document: Any = valid_request(draw)
    for _ in range(draw.randint(1, 4)):
        document = changed(document, draw)
    return orjson.dumps(document)


def _full(draw: Random) -> bytes:
    return orjson.dumps(full_request(draw))


def _typed_wrong(draw: Random) -> bytes:
    """A request with every field, some of them of another type."""
    document = full_request(draw)
    for _ in range(draw.randint(1, 3)):
        document = wrongly_typed(document, draw)
    return orjson.dumps(document)


def _any_json(draw: Random) -> bytes:
    value = anything(draw)
    return orjson.dumps({"prompt": value} if draw.random() < 0.5 else value)


def _spliced(draw: Random) -> bytes:
    """JSON text that no writer would write: put into a valid request as it is."""
    texts = (
        *(b"NaN", b"-Infinity", b"1e999", b"-0", b"1E400", b"0x10", b"01", b"1" * 400),
        *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\xed\xa0\x80"', b'"\xc3"', b"'a'"),
        *(b'"a', b"[" * 2_000, b'{"a":' * 1_100, b"[" * 90 + b"]" * 90, b"/* */1", b"\x00"),
    )
    name = draw.choice(("prompt", "seed", "temperature", "metadata", "extra_body", "x", "stop"))
    text = draw.choice(texts)
    valid = _valid(draw)
    if draw.random() < 0.3:
        return b'{"prompt":"a","prompt":%s,"request_id":"r","request_id":"s"}' % text
    return valid[:-1] + b',"%s":%s}' % (name.encode(), text)


def _cut(draw: Random) -> bytes:
    valid = draw.choice((_valid, _avro))(draw)
    return valid[: draw.randint(0, len(valid))]


def _flipped(draw: Random) -> bytes:
    """Bytes of a complete request, some of them changed, moved or repeated."""
    damaged = bytearray(draw.choice((_valid, _mutated, _avro, _avro, _framed))(draw))
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(damaged)) if damaged else 0
        what = draw.randrange(3)
        if what == 0:
            damaged[at : at + 1] = bytes([draw.randrange(256)])
        elif what == 1:
            damaged[at:at] = draw.randbytes(draw.randint(1, 9))
        else:
            damaged[at : at + draw.randint(1, 5)] = b""
    return bytes(damaged)


def _noise(draw: Random) -> bytes | None:
    start = draw.choice(
        (b"", b"{", b"[", SINGLE_OBJECT_MARK, _header(), CONFLUENT_MARK, b"\xef\xbb")
    )
    return None if draw.random() < 0.05 else start + draw.randbytes(draw.randint(0, 200))


def _avro(draw: Random) -> bytes:
    return _codec().encode(_record(draw), Format.SINGLE_OBJECT)


def _framed(draw: Random) -> bytes:
    schema_id = draw.choice((*[1] * 9, 2, 3, 0, 2**32 - 1))
    return CONFLUENT_MARK + schema_id.to_bytes(4, "big") + _avro(draw)[10:]


def _record(draw: Random) -> dict[str, Any]:
    """Values that Avro has and JSON has not, and invalid JSON in its text fields."""
    floats = (float("nan"), float("inf"), float("-inf"), 0.5, 1e308, -1.0)
    texts = ("{}", "[]", "{", '{"a":1}', "[" * 500, '{"type":"json_object"}', "NaN", *WORDS)
    message = {
        "role": draw.choice(("user", "system", "tool", "assistant", "")),
        "content": draw.choice(
            (None, draw.choice(WORDS), [{"type": draw.choice(("text", "refusal", "image_url"))}])
        ),
        "tool_call_id": draw.choice((None, "c1")),
        "tool_calls": draw.choice((None, [{"id": "c1", "name": "f", "arguments": "{"}])),
    }
    record: dict[str, Any] = draw.choice(
        ({"prompt": draw.choice(WORDS)}, {"messages": [message] * draw.randint(0, 3)})
    )
    offered: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("temperature", lambda: draw.choice(floats)),
        ("top_p", lambda: draw.choice(floats)),
        ("frequency_penalty", lambda: draw.choice(floats)),
        ("seed", lambda: draw.choice((0, 2**63 - 1, -(2**63)))),
        ("max_completion_tokens", lambda: draw.choice((1, 0, -1, 2**63 - 1))),
        ("deadline_ms", lambda: draw.choice((1, 0, -1, 600_000, 2**63 - 1))),
        ("extra_body", lambda: draw.choice(texts)),
        ("response_format", lambda: draw.choice(texts)),
        ("tool_choice", lambda: draw.choice(texts)),
        ("stop", lambda: [draw.choice(WORDS)] * draw.randint(0, 5)),
        ("tools", lambda: [{"name": draw.choice(WORDS), "parameters": draw.choice(texts)}]),
        ("metadata", lambda: {draw.choice(WORDS): draw.choice(WORDS)}),
        ("retrieval", lambda: {"scores": [draw.choice(floats)], "query_type": draw.choice(WORDS)}),
        ("request_id", lambda: draw.choice(WORDS)),
        ("tenant", lambda: draw.choice(WORDS)),
        ("model", lambda: draw.choice((*WORDS, "gpt-4o"))),
        ("tier", lambda: draw.choice(("simple", "nowhere"))),
    )
    return record | {name: make() for name, make in draw.sample(offered, draw.randint(0, 5))}


def _headers(draw: Random) -> Headers:
    values = (b"", b"c1", b"a\r\nb: c", b"\xff\xfe", b"x" * 1_025, b"replies.mine", b"\x7f" * 4)
    topics = (
        *(b"llm.replies.v1", b"replies.mine", b"replies.missing", b"llm.events.cost.v1"),
        *(b"__consumer_offsets", b"replies.mine.dlq", b"replies.\r\nx", b"replies./../a", b"."),
        *(b"llm.requests.v1", b"replies." + b"x" * 300, b"\xff\xfe", "replies.ü".encode()),
    )
    offered: tuple[tuple[str, tuple[bytes, ...]], ...] = (
        ("reply-topic", topics),
        ("reply-topic", topics),
        ("kafka_replyTopic", topics),
        ("correlation-id", values),
        ("kafka_correlationId", values),
        ("kafka_replyPartition", (b"\x00\x00\x00\x01", b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"1")),
        ("traceparent", (b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01", b"nonsense", *values)),
        ("tracestate", values),
        ("a\r\nb", values),
        ("", values),
        ("x" * 2_000, values),
        ("content-type", values),
    )
    chosen = draw.choices(offered, k=draw.choice((0, 0, 0, 1, 2, 5)))
    return [(name, draw.choice(kept)) for name, kept in chosen]


def _many_tools(draw: Random) -> bytes:
    tool = {"type": "function", "function": {"name": "f"}}
    return orjson.dumps({"prompt": "x", "tools": [tool] * draw.choice((129, 10_000))})


def _metadata_bomb(draw: Random) -> bytes:
    count, length = draw.choice(((100_000, 3), (3, 1_000_000)))
    return orjson.dumps({"prompt": "x", "metadata": {str(n): "v" * length for n in range(count)}})


def _many_messages(draw: Random) -> bytes:
    wrong = draw.choice(({}, {"role": "user", "content": "x"}, {"role": "user", "content": [{}]}))
    return orjson.dumps({"messages": [wrong] * draw.choice((4_096, 5_000, 100_000))})


def _long_text(draw: Random) -> bytes:
    length = draw.choice((100_000, 4_000_000, 4_500_000, 12_000_000))
    return orjson.dumps({"prompt": draw.choice(("x", "ab ", "\x01", "漢")) * (length // 3)})


def _control_characters(draw: Random) -> bytes:
    """One byte each in Avro, six in JSON."""
    return _codec().encode({"prompt": "\x01" * draw.choice((500_000, 3_500_000))})


def _long_name(draw: Random) -> bytes:
    return orjson.dumps({"prompt": "x", "n" * 2_000_000: draw.choice(NUMBERS)})


def _long_noise(draw: Random) -> bytes:
    return draw.choice((b"", b"{", _header())) + b"\xff" * draw.choice((1_000_000, 20_000_000))


def _deep_and_wide(draw: Random) -> bytes:
    inner: Any = [1.5e15] * draw.choice((1_000, 500_000))
    return orjson.dumps({"prompt": "x", "extra_body": {"a": {"b": inner}}})


@cache
def _codec() -> Codec:
    return Codec("Request")


@cache
def _header() -> bytes:
    return single_object_header("Request")


KINDS: dict[str, Callable[[Random], bytes | None]] = {
    "valid": _valid,
    "changed": _mutated,
    "changed again": _mutated,
    "full": _full,
    "full again": _full,
    "wrong types": _typed_wrong,
    "wrong types again": _typed_wrong,
    "any JSON": _any_json,
    "spliced text": _spliced,
    "cut off": _cut,
    "bytes changed": _flipped,
    "Avro again": _avro,
    "noise": _noise,
    "Avro": _avro,
    "framed": _framed,
}
LARGE: dict[str, Callable[[Random], bytes | None]] = {
    "many tools": _many_tools,
    "metadata bomb": _metadata_bomb,
    "many messages": _many_messages,
    "long text": _long_text,
    "control characters": _control_characters,
    "long name": _long_name,
    "long noise": _long_noise,
    "wide": _deep_and_wide,
}
