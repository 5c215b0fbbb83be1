"""Limits on the number of values in JSON, counted in the bytes before parsing.

A parser takes about 0.1 µs for each value and more for each list and object, and blocks the event
loop meanwhile. 4 MiB hold up to two million values. Counting delimiters takes a hundredth of that.
"""

from __future__ import annotations

from typing import Any

import orjson

MAX_TEXT_VALUES = 100_000
"""Most values in JSON text written by a model or a caller; the longest real answers have a third.
"""

MAX_TEXT_CONTAINERS = 30_000
"""Most lists and objects in such a text."""

_OPENING = (b"[", b"{")
_QUOTE = ord('"')


def _parities_of(quotes: int) -> int:
    """Return the running parity of the set bits of a byte, highest bit first."""
    quotes ^= quotes >> 1
    quotes ^= quotes >> 2
    return quotes ^ quotes >> 4


_PARITIES = bytes(map(_parities_of, range(256)))


def crowd_in(data: bytes, values: int, containers: int) -> str | None:
    """Return a description of the exceeded limit: values over all levels, or lists and objects;
    `None` within the limits. Field names are not counted. For invalid JSON the result is undefined.
    """
    opened, parted = sum(map(data.count, _OPENING)), data.count(b",")
    if opened <= containers and opened + parted <= values:
        return None
    opened, parted = _marks(data)
    if opened > containers:
        return f"more than {containers} lists and objects"
    # Each value but the first follows an opening bracket or a comma.
    if opened + parted > values:
        return f"more than {values} values"
    return None


def _marks(data: bytes) -> tuple[int, int]:
    """Return the number of opening brackets and commas outside of strings. Splitting at quotes is
    too slow: there may be a million.

    A byte is outside of strings if the number of quotes before it is even. Eight bytes are
    processed at once: a table has the parities of all groups of eight, so that only one parity per
    group is carried over.
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
    """Parse JSON that can be serialized again.

    Raises:
        orjson.JSONDecodeError: invalid JSON, or nested deeper than the 254 levels that orjson
            writes; orjson reads up to 1,024.
    """
    value = orjson.loads(data)
    try:
        orjson.dumps(value)
    except TypeError:
        raise orjson.JSONDecodeError("nested too deeply", "", 0) from None
    return value


def read_text(text: str | bytes) -> Any:
    """Parse JSON text.

    Raises:
        orjson.JSONDecodeError: invalid JSON, or more values than the limit.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    crowd = crowd_in(data, MAX_TEXT_VALUES, MAX_TEXT_CONTAINERS)
    if crowd is not None:
        raise orjson.JSONDecodeError(crowd, "", 0)
    return orjson.loads(data)
