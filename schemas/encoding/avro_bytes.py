"""Encoding of one Avro integer, and bounded reading of one value, so that neither long integers nor
many values block the event loop.

Avro writes an integer as up to ten bytes, each but the last with its highest bit set (1.12, "Binary
encoding"). fastavro reads any number of them. Four mebibytes of such bytes blocked a worker for 0.1
s, and as many one-byte values blocked it for 2.5 s.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Protocol

from schemas.errors import UndecodableError

_LONGEST_INTEGER = 10
_CONTINUES = 0x80

GUARDED_FROM = 65_536
"""Bytes up to which a value is read without the guard, which costs one call per byte."""

MOST_READS = 100_000
"""Most reads of a large record; a value takes one to five. The maximum takes about 30 ms. A request
with 4,096 messages of two parts each and all other lists full has 98,000.
"""


def long_bytes(number: int) -> bytes:
    """Encode an Avro long: zigzag, seven bits a byte, least significant first."""
    rest = (number << 1) ^ (number >> 63)
    if rest < _CONTINUES:
        return bytes((rest,))
    out = bytearray()
    while rest >= _CONTINUES:
        out.append(rest & 0x7F | _CONTINUES)
        rest >>= 7
    out.append(rest)
    return bytes(out)


class Readable(Protocol):
    """The interface that fastavro reads from."""

    @property
    def read(self) -> Callable[[int], bytes]:
        """Return a function that reads a number of bytes."""
        ...

    @property
    def tell(self) -> Callable[[], int]:
        """Return a function that gives the position."""
        ...


def avro_stream(data: bytes, start: int) -> Readable:
    """Return a stream over the bytes from `start` for fastavro. For a large value its `read` raises
    `UndecodableError` in an integer of more than ten bytes and after `MOST_READS` reads.
    """
    stream = BytesIO(data)
    stream.seek(start)
    return stream if len(data) <= GUARDED_FROM else _Guarded(stream)


class _Guarded:
    """Counts reads and the bytes of an integer, which fastavro reads one by one."""

    __slots__ = ("read", "tell")

    def __init__(self, stream: BytesIO) -> None:
        whole, left, continued = stream.read, MOST_READS, 0

        def read(size: int = -1) -> bytes:
            nonlocal left, continued
            left -= 1
            if left < 0:
                raise UndecodableError(f"more than {MOST_READS} values")
            got = whole(size)
            if size == 1 and got and got[0] >= _CONTINUES:
                continued += 1
                if continued >= _LONGEST_INTEGER:
                    raise UndecodableError(f"an integer of more than {_LONGEST_INTEGER} bytes")
            else:
                continued = 0
            return got

        self.read, self.tell = read, stream.tell
