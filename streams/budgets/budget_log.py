"""The cost topic and the budgets' ledger, as they are read: the port and its Kafka adapter.

Both have the same number of partitions, and a cost partition's sums are on the ledger partition of
the same number. Writing is the publisher's (`core.kafka.producer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition

from core.kafka.standalone.librdkafka_consumer import LibrdkafkaConsumer
from schemas.errors import TopicError
from schemas.topics import BUDGETS, COST

_GATHER_MS = {COST: 50, BUDGETS: 500}
"""Time for which the broker gathers records for a fetch. Costs of other workers' calls are known
later by this time; nothing waits for the ledger.
"""

_GATHER_BYTES = 64 * 1024
_WAIT_S = {COST: 0.5, BUDGETS: 0.1}
_BATCH = 250
"""Records per batch; decoding them blocks the event loop for some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRecord:
    """A record, undecoded; `at` is broker time, ms; a tombstone has no value."""

    partition: int
    offset: int
    at: int
    key: bytes
    value: bytes | None


class LogReader(Protocol):
    """Some partitions of a topic, read in order."""

    async def read(self) -> Sequence[BudgetRecord]:
        """Return new records; empty after a short wait without any."""
        ...

    async def positions(self) -> Mapping[int, int]:
        """Return the offset after the last read record, by partition."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class BudgetLog(Protocol):
    """The two topics."""

    async def partitions(self) -> int:
        """Return the number of partitions of each topic."""
        ...

    async def bounds(self, topic: str) -> Mapping[int, tuple[int, int]]:
        """Return first offset and end offset, by partition."""
        ...

    async def offsets_at(self, topic: str, at: int) -> Mapping[int, int]:
        """Return the first offset at or after a broker time (ms) by partition, else the end."""
        ...

    async def open(
        self, topic: str, positions: Mapping[int, int], *, follows: bool = True
    ) -> LogReader:
        """Read these partitions from these offsets; removed records are skipped.

        A reader that `follows` the topic receives gathered records; a reader that reads to the end
        once receives them at once.
        """
        ...


class KafkaBudgetLog:
    """The topics on a broker."""

    def __init__(self, librdkafka: Mapping[str, Any]) -> None:
        self._librdkafka = librdkafka
        self._asker: LibrdkafkaConsumer | None = None
        self._partitions = 0

    async def start(self) -> None:
        """Connect, and read the number of partitions.

        Raises:
            TopicError: a topic is missing, or the two differ in their partitions.
        """
        self._asker = LibrdkafkaConsumer(self._librdkafka)
        costs, sums = await self._asker.partitions(COST), await self._asker.partitions(BUDGETS)
        if costs != sums:
            raise TopicError(
                f"{COST} has {costs} partitions, {BUDGETS} has {sums}; both must exist with the "
                "same partition count: sluice topics create"
            )
        self._partitions = costs

    async def stop(self) -> None:
        """Disconnect."""
        if self._asker is not None:
            await self._asker.close()
            self._asker = None

    async def partitions(self) -> int:
        """See `BudgetLog`."""
        return self._partitions

    async def bounds(self, topic: str) -> Mapping[int, tuple[int, int]]:
        """See `BudgetLog`."""
        places = self._places(topic)
        begins, ends = await self._connected().begins(places), await self._connected().ends(places)
        return {place.partition: (begins[place], ends[place]) for place in places}

    async def offsets_at(self, topic: str, at: int) -> Mapping[int, int]:
        """See `BudgetLog`."""
        found = await self._connected().offsets_at(dict.fromkeys(self._places(topic), at))
        return {place.partition: offset for place, offset in found.items()}

    async def open(
        self, topic: str, positions: Mapping[int, int], *, follows: bool = True
    ) -> LogReader:
        """See `BudgetLog`."""
        bounds = await self.bounds(topic)
        consumer = (
            LibrdkafkaConsumer(self._librdkafka, wait_ms=_GATHER_MS[topic], min_bytes=_GATHER_BYTES)
            if follows
            else LibrdkafkaConsumer(self._librdkafka)
        )
        starts = {
            TopicPartition(topic, number): min(max(at, bounds[number][0]), bounds[number][1])
            for number, at in positions.items()
        }
        consumer.assign(starts)
        return _KafkaReader(consumer, list(starts), _WAIT_S[topic])

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self._partitions)]

    def _connected(self) -> LibrdkafkaConsumer:
        if self._asker is None:
            raise RuntimeError("the budgets' log is not started")
        return self._asker


class _KafkaReader:
    """A separate consumer for each reading."""

    def __init__(
        self, consumer: LibrdkafkaConsumer, places: list[TopicPartition], wait_s: float
    ) -> None:
        self._consumer = consumer
        self._places = places
        self._wait_s = wait_s

    async def read(self) -> Sequence[BudgetRecord]:
        """See `LogReader`."""
        return [
            BudgetRecord(
                partition=record.partition,
                offset=record.offset,
                at=record.timestamp,
                key=record.key or b"",
                value=record.value,
            )
            for record in await self._consumer.read(timeout_s=self._wait_s, most=_BATCH)
        ]

    async def positions(self) -> Mapping[int, int]:
        """See `LogReader`."""
        return {place.partition: self._consumer.position(place) for place in self._places}

    async def close(self) -> None:
        """See `LogReader`."""
        await self._consumer.close()
