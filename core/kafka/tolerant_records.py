"""Tolerant reading of records whose header names are not UTF-8.

Kafka specifies UTF-8 header names but does not check them; librdkafka writes any bytes. aiokafka
cannot read such a record or any later one, so one message would block its partition permanently.
The batch is therefore read again by aiokafka's own Python parser with replacement characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def tolerate_header_names() -> None:
    """Patch every consumer of this process to read such records; idempotent."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of a fetch, each tolerant."""

    def next_batch(self, *arguments: Any) -> Any:
        """See aiokafka's `MemoryRecordsProtocol.next_batch`."""
        data = self._next_slice
        batch = super().next_batch(*arguments)
        # The fetcher calls `next` on transaction markers, which have no headers.
        if batch is None or batch.is_control_batch:
            return batch
        return _TolerantBatch(batch, data)


class _TolerantBatch:
    """A batch that restarts from the beginning after an unreadable record; the fetcher skips
    records that it already has.
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
    """Bytes whose slices decode with replacement characters."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _ForgivingBytes(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """Decode like `bytearray.decode`, without errors."""
        return super().decode(encoding, "replace")
