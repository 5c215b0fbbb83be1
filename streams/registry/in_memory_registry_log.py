"""In-memory registry topic for tests: the twin of `topic.KafkaRegistryLog`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.journal_headers import Headers
from streams.registry.history import RegistryRecord


class MemoryRegistryLog:
    """Records in order. `before_append` runs before each one and simulates another writer."""

    def __init__(self, records: Sequence[RegistryRecord] = ()) -> None:
        self.records = list(records)
        self.before_append: Callable[[], None] = lambda: None
        self._next = max((each.offset + 1 for each in records), default=0)

    async def end(self) -> int:
        """See `RegistryLog`."""
        return self._next

    async def append(self, key: bytes, value: bytes | None, headers: Headers) -> int:
        """See `RegistryLog`."""
        self.before_append()
        return self.add(key, value, headers)

    def add(self, key: bytes, value: bytes | None, headers: Headers | None = None) -> int:
        """Append a record; return its offset."""
        offset = self._next
        self.records.append(
            RegistryRecord(key=key, value=value, at=offset, headers=headers or [], offset=offset)
        )
        self._next += 1
        return offset

    def compact(self) -> None:
        """Keep the latest record of each key, at its offset."""
        latest = {each.key: each.offset for each in self.records}
        self.records = [each for each in self.records if latest[each.key] == each.offset]
