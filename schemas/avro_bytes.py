"""Bytes of one Avro value, read so that no number in them goes on without end.

Avro writes an integer as up to ten bytes, each but the last with its highest bit set (1.12,
"Binary encoding"); the reader takes as many as come. Four mebibytes of such bytes held a worker
for a tenth of a second.
"""

from __future__ import annotations

from io import BytesIO

from schemas.errors import UndecodableError

_LONGEST_INTEGER = 10
_CONTINUES = 0x80

GUARDED_FROM = 65_536
"""Bytes up to which a value is read without the guard: it costs a call for each byte."""


def avro_stream(data: bytes, start: int) -> BytesIO:
    """The bytes from `start` on, for fastavro. Its `read` raises `UndecodableError` within an
    integer of more than ten bytes, where the value is large enough for that to take long.
    """
    stream = BytesIO(data) if len(data) <= GUARDED_FROM else _Guarded(data)
    stream.seek(start)
    return stream


class _Guarded(BytesIO):
    """Counts the bytes of an integer; fastavro reads those one by one, all else at once."""

    _continued = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        if size == 1 and got and got[0] >= _CONTINUES:
            self._continued += 1
            if self._continued >= _LONGEST_INTEGER:
                raise UndecodableError(f"an integer of more than {_LONGEST_INTEGER} bytes")
        else:
            self._continued = 0
        return got
