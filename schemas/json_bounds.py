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


def crowd_in(data: bytes, values: int, containers: int) -> str | None:
    """What JSON has too many of, in words: values, all levels together, or lists and objects;
    `None` where all is within bounds. The names of an object's fields are not counted. For bytes
    that are no JSON the answer says nothing.
    """
    if sum(map(data.count, _OPENING)) + data.count(b",") <= min(values, containers):
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
    """
    import numpy as np  # noqa: PLC0415 - few processes ever need it here, and it loads slowly

    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = np.frombuffer(bare, np.uint8)
    inside = np.bitwise_xor.accumulate((marks == _QUOTE).view(np.uint8))
    outside = marks[inside == 0]
    opened = sum(int(np.count_nonzero(outside == ord(mark))) for mark in _OPENING)
    return opened, int(np.count_nonzero(outside == ord(",")))


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
