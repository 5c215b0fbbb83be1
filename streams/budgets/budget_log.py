"""The cost topic and the budgets' ledger, as they are read: the port and its Kafka adapter.

Both have the same number of partitions, and a cost partition's sums are on the ledger partition of
the same number. Writing is the publisher's (`core.kafka.producer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from core.kafka.consumer import open_consumer
from schemas.errors import TopicError
from schemas.topics import BUDGETS, COST

_GATHER_MS = {COST: 50, BUDGETS: 500}
"""Time for which the broker gathers records for a fetch. Costs of other workers' calls are known
later by this time; nothing waits for the ledger.
"""

_GATHER_BYTES = 64 * 1024
_WAIT_MS = {COST: 500, BUDGETS: 100}
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

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._asker: AIOKafkaConsumer | None = None
        self._partitions = 0

    async def start(self) -> None:
        """Connect, and read the number of partitions.

        Raises:
            TopicError: a topic is missing, or the two differ in their partitions.
        """
        self._asker = self._consumer()
        await self._asker.start()
        admin = AIOKafkaAdminClient(**self._settings)
        await admin.start()
        try:
            found = {
                each["topic"]: len(each["partitions"])
                for each in await admin.describe_topics([COST, BUDGETS])
            }
        finally:
            await admin.close()
        if not found.get(COST) or found.get(COST) != found.get(BUDGETS):
            raise TopicError(
                f"{COST} has {found.get(COST, 0)} partitions, {BUDGETS} has "
                f"{found.get(BUDGETS, 0)}; both must exist with the same partition count: "
                "sluice topics create"
            )
        self._partitions = found[COST]

    async def stop(self) -> None:
        """Disconnect."""
        if self._asker is not None:
            await self._asker.stop()
            self._asker = None

    async def partitions(self) -> int:
        """See `BudgetLog`."""
        return self._partitions

    async def bounds(self, topic: str) -> Mapping[int, tuple[int, int]]:
        """See `BudgetLog`."""
        places = self._places(topic)
        begins = await self._connected().beginning_offsets(places)
        ends = await self._connected().end_offsets(places)
        return {place.partition: (begins[place], ends[place]) for place in places}

    async def offsets_at(self, topic: str, at: int) -> Mapping[int, int]:
        """See `BudgetLog`."""
        places = self._places(topic)
        found = await self._connected().offsets_for_times(dict.fromkeys(places, at))
        ends = await self._connected().end_offsets(places)
        return {
            place.partition: ends[place] if found[place] is None else found[place].offset
            for place in places
        }

    async def open(
        self, topic: str, positions: Mapping[int, int], *, follows: bool = True
    ) -> LogReader:
        """See `BudgetLog`."""
        bounds = await self.bounds(topic)
        gathered = {
            "fetch_max_wait_ms": _GATHER_MS[topic],
            "fetch_min_bytes": _GATHER_BYTES,
        }
        consumer = self._consumer(**(gathered if follows else {}))
        await consumer.start()
        places = {TopicPartition(topic, number): at for number, at in positions.items()}
        consumer.assign(list(places))
        for place, position in places.items():
            begin, end = bounds[place.partition]
            consumer.seek(place, min(max(position, begin), end))
        return _KafkaReader(consumer, list(places), _WAIT_MS[topic])

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self._partitions)]

    def _consumer(self, **more: Any) -> AIOKafkaConsumer:
        return open_consumer(
            **self._settings, enable_auto_commit=False, auto_offset_reset="earliest", **more
        )

    def _connected(self) -> AIOKafkaConsumer:
        if self._asker is None:
            raise RuntimeError("the budgets' log is not started")
        return self._asker


class _KafkaReader:
    """A separate consumer for each reading."""

    def __init__(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], wait_ms: int
    ) -> None:
        self._consumer = consumer
        self._places = places
        self._wait_ms = wait_ms

    async def read(self) -> Sequence[BudgetRecord]:
        """See `LogReader`."""
        batches = await self._consumer.getmany(timeout_ms=self._wait_ms, max_records=_BATCH)
        return [
            BudgetRecord(
                partition=place.partition,
                offset=record.offset,
                at=record.timestamp,
                key=record.key or b"",
                value=record.value,
            )
            for place, records in batches.items()
            for record in records
        ]

    async def positions(self) -> Mapping[int, int]:
        """See `LogReader`."""
        return {place.partition: await self._consumer.position(place) for place in self._places}

    async def close(self) -> None:
        """See `LogReader`."""
        await self._consumer.stop()
