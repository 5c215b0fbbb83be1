"""Records whose headers have names that are no text: read all the same.

Kafka says that a header's name is UTF-8 and checks it nowhere; librdkafka writes any bytes. Then
aiokafka can't read the record, nor any behind it: one message would hold up its partition for good.
So such a batch is read again by aiokafka's own Python parser, with what is no text replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def tolerate_header_names() -> None:
    """Let every consumer of this process read such records; doing it again changes nothing."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of a fetch, each tolerant."""

    def next_batch(self, *arguments: Any) -> Any:
        """See aiokafka's `MemoryRecordsProtocol.next_batch`."""
        data = self._next_slice
        batch = super().next_batch(*arguments)
        # The fetcher calls `next` on markers of transactions, which have no headers.
        if batch is None or batch.is_control_batch:
            return batch
        return _TolerantBatch(batch, data)


class _TolerantBatch:
    """A batch, whose records come once more from the beginning where one can't be read; a fetcher
    passes over those that it has had.
    """

    __slots__ = ("_batch", "_data")

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batch
        except UnicodeDecodeError:
            again = _DefaultRecordBatchPy(self._data)
            again._maybe_uncompress()
            again._buffer = _ForgivingBytes(again._buffer)
            yield from again


class _ForgivingBytes(bytearray):
    """Bytes whose slices decode with what is no text replaced."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _ForgivingBytes(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """As `bytearray.decode`, and never fails."""
        return super().decode(encoding, "replace")
