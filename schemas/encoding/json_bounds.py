"""How many values JSON holds, seen in its bytes before a parser makes objects of them.

A parser takes about a tenth of a microsecond for each value and more for each list and object, in
which nothing else is done: 4 MiB are up to two million values. Counting marks takes a hundredth.
"""

from __future__ import annotations

from typing import Any

import orjson

MAX_TEXT_VALUES = 100_000
"""Values in JSON that a model or a caller wrote as text: the longest answers have a third."""

MAX_TEXT_CONTAINERS = 30_000
"""Lists and objects in such a text."""

_OPENING = (b"[", b"{")
_QUOTE = ord('"')


def _parities_of(quotes: int) -> int:
    """For eight bits, the first one highest: whether the bits up to each are odd in number."""
    quotes ^= quotes >> 1
    quotes ^= quotes >> 2
    return quotes ^ quotes >> 4


_PARITIES = bytes(map(_parities_of, range(256)))


def crowd_in(data: bytes, values: int, containers: int) -> str | None:
    """What JSON has too many of, in words: values, all levels together, or lists and objects;
    `None` where all is within bounds. The names of an object's fields are not counted. For bytes
    that are no JSON the answer says nothing.
    """
    opened, parted = sum(map(data.count, _OPENING)), data.count(b",")
    if opened <= containers and opened + parted <= values:
        return None
    opened, parted = _marks(data)
    if opened > containers:
        return f"more than {containers} lists and objects"
    # Each value but the first follows an opening mark or a comma.
    if opened + parted > values:
        return f"more than {values} values"
    return None


def _marks(data: bytes) -> tuple[int, int]:
    """How many opening marks and commas stand outside of strings. Pieces between quotes are no
    way to them: there may be a million.

    A byte is outside of strings where the number of quotes before it is even. Eight bytes are taken
    at once: a table has the parities of all groups of eight, so that only one parity a group is
    carried on.
    """
    import numpy as np  # noqa: PLC0415 - few processes ever need it here, and it loads slowly

    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = np.frombuffer(bare, np.uint8)
    parities = np.frombuffer(_PARITIES, np.uint8)[np.packbits(marks == _QUOTE)]
    carried = np.bitwise_xor.accumulate(parities & 1)
    parities[1:] ^= np.uint8(0) - carried[:-1]
    outside = ~parities

    def count(mark: bytes) -> int:
        found = np.packbits(marks == ord(mark))
        return int(np.bitwise_count(found & outside).sum())

    return sum(map(count, _OPENING)), count(b",")


def read_writable(data: bytes | str) -> Any:
    """The value of JSON that can be written as JSON again, and shown.

    Raises:
        orjson.JSONDecodeError: it is not JSON, or is nested deeper than the 254 levels that are
            written: reading goes on to 1,024.
    """
    value = orjson.loads(data)
    try:
        orjson.dumps(value)
    except TypeError:
        raise orjson.JSONDecodeError("nested deeper than is written", "", 0) from None
    return value


def read_text(text: str | bytes) -> Any:
    """The value of JSON that stands in a text.

    Raises:
        orjson.JSONDecodeError: it is not JSON, or holds more values than are read.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    crowd = crowd_in(data, MAX_TEXT_VALUES, MAX_TEXT_CONTAINERS)
    if crowd is not None:
        raise orjson.JSONDecodeError(crowd, "", 0)
    return orjson.loads(data)
