"""Bytes of one Avro value, read so that neither a number nor a crowd of values holds up the loop.

Avro writes an integer as up to ten bytes, each but the last with its highest bit set (1.12,
"Binary encoding"); the reader takes as many as come. Four mebibytes of such bytes held a worker
for a tenth of a second, as many values of one byte for two seconds and a half.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Protocol

from schemas.errors import UndecodableError

_LONGEST_INTEGER = 10
_CONTINUES = 0x80

GUARDED_FROM = 65_536
"""Bytes up to which a value is read without the guard: it costs a call for each byte."""

MOST_READS = 100_000
"""Pieces of a large record that are read; a value is one to five of them. The most takes about
30 ms. A request with 4,096 messages of two parts each and all its other lists full has 98,000.
"""


class Readable(Protocol):
    """What fastavro reads from."""

    @property
    def read(self) -> Callable[[int], bytes]:
        """Gives so many bytes."""
        ...

    @property
    def tell(self) -> Callable[[], int]:
        """Says where it stands."""
        ...


def avro_stream(data: bytes, start: int) -> Readable:
    """The bytes from `start` on, for fastavro. Where the value is large, its `read` raises
    `UndecodableError` within an integer of more than ten bytes and after `MOST_READS` pieces.
    """
    stream = BytesIO(data)
    stream.seek(start)
    return stream if len(data) <= GUARDED_FROM else _Guarded(stream)


class _Guarded:
    """Counts pieces, and the bytes of an integer: fastavro reads those one by one."""

    __slots__ = ("read", "tell")

    def __init__(self, stream: BytesIO) -> None:
        whole, left, continued = stream.read, MOST_READS, 0

        def read(size: int = -1) -> bytes:
            nonlocal left, continued
            left -= 1
            if left < 0:
                raise UndecodableError(f"more than {MOST_READS} pieces of values")
            got = whole(size)
            if size == 1 and got and got[0] >= _CONTINUES:
                continued += 1
                if continued >= _LONGEST_INTEGER:
                    raise UndecodableError(f"an integer of more than {_LONGEST_INTEGER} bytes")
            else:
                continued = 0
            return got

        self.read, self.tell = read, stream.tell
